//! How many cases of each test hold, and what is wrong with the others.

use std::collections::BTreeMap;
use std::fmt;

/// Results by test.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    tests: BTreeMap<String, Counts>,
    faults: Vec<String>,
}

#[derive(Debug, Default)]
struct Counts {
    passed: usize,
    failed: usize,
    left_out: usize,
}

impl Tally {
    pub(crate) fn note(&mut self, test: &str, case: &str, faults: &[String]) {
        let counts = self.tests.entry(test.to_owned()).or_default();
        if faults.is_empty() {
            counts.passed += 1;
        } else {
            counts.failed += 1;
            self.faults
                .push(format!("{test} / {case}\n    {}", faults.join("\n    ")));
        }
    }

    pub(crate) fn leave_out(&mut self, test: &str) {
        self.tests.entry(test.to_owned()).or_default().left_out += 1;
    }

    pub(crate) fn cases(&self) -> usize {
        self.tests.values().map(|counts| counts.passed + counts.failed).sum()
    }

    pub(crate) fn failures(&self) -> usize {
        self.faults.len()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<72} {:>6} {:>6} {:>8}", "test", "passed", "failed", "left out")?;
        for (test, counts) in &self.tests {
            writeln!(
                f,
                "{test:<72} {:>6} {:>6} {:>8}",
                counts.passed, counts.failed, counts.left_out
            )?;
        }
        let left_out: usize = self.tests.values().map(|counts| counts.left_out).sum();
        let passed = self.cases() - self.failures();
        writeln!(f, "{:<72} {passed:>6} {:>6} {left_out:>8}", "all", self.failures())?;
        self.faults.iter().try_for_each(|fault| writeln!(f, "FAILED {fault}"))
    }
}
