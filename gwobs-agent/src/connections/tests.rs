//! Scripted kernel events and the halves that follow from them.

mod messages;
mod script;
