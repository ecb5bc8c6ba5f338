//! Readiness, made of named tasks: ready is who has done all that was expected of it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Readiness; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, bool>>>);

impl Health {
    /// These tasks are to be done before anybody is ready.
    pub fn expect(&self, tasks: &[&'static str]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for task in tasks {
            all.entry(task).or_insert(false);
        }
    }

    /// A task is done, or has to be done again.
    pub fn ready(&self, task: &'static str, ready: bool) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(task, ready);
    }

    /// Whether all tasks are done, and a line for each that says so.
    #[must_use]
    pub fn report(&self) -> (bool, String) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (task, ready) in all.iter() {
            let mark = if *ready { "ok" } else { "waiting" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{task}: {mark}");
        }
        (all.values().all(|ready| *ready), text)
    }
}
