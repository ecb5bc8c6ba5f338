//! Kernel events in, judged requests out.

mod alone;
mod basics;
mod changes;
mod follows;
mod ports;
mod rejoined;
mod run;
mod shapes;
mod weights;
