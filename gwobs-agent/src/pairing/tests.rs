//! Pairing against the truth and against an independent enumeration of all readings, on generated worlds.

mod brute;
mod cases;
mod crowd;
mod plan;
mod properties;
mod puzzles;
mod script;
mod tokens;
mod unread;
mod world;
