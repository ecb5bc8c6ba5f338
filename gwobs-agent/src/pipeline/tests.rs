//! Kernel events in, judged requests out.

mod alone;
mod basics;
mod changes;
mod run;
mod weights;
