//! Scripted kernel events and the halves that follow from them.

mod gaps;
mod lifecycle;
mod messages;
mod order;
mod properties;
mod script;
mod skips;
