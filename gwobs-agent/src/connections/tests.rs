//! Scripted kernel events and the halves that follow from them.

mod frames;
mod gaps;
mod http2;
mod lifecycle;
mod messages;
mod order;
mod properties;
mod script;
mod skips;
mod tls;
