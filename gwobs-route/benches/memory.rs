//! How much memory routes take once they are in a snapshot: bytes of the heap in use with them, less without.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(unsafe_code, reason = "only an allocator can count")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use gwobs_route::Objects;
use gwobs_route::profile::Profile;
use support::worlds::{self, World};

/// Of each kind; the same as in the other benchmarks.
const ROUTES: usize = 10_000;

type Kind = (&'static str, fn(usize) -> World);
const KINDS: [Kind; 3] = [
    ("hostnames", worlds::by_hostname),
    ("prefixes", worlds::by_prefix),
    ("headers", worlds::by_header),
];

/// Counts the bytes in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is left to the system's allocator; counting touches no memory of the caller.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps what `GlobalAlloc` asks of it.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `pointer` came from `alloc` above with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    for (kind, make) in KINDS {
        let before = IN_USE.load(Ordering::Relaxed);
        let mut objects = Objects::new(Some(Profile::Generic));
        make(ROUTES)
            .objects()
            .into_iter()
            .for_each(|object| objects.apply(object, 0));
        let snapshot = objects.snapshot();
        let bytes = IN_USE.load(Ordering::Relaxed) - before;
        println!("{kind}: {} bytes a route", bytes / ROUTES);
        drop((objects, snapshot));
    }
}
