//! What the weights of a rule ask for.

use crate::{BackendChoice, BackendName};

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) mod tests_support;

/// Shares that one rule can have: the API allows 16 backendRefs, and all invalid ones together are one more.
pub const MAX_SHARES: usize = 17;

/// The shares that the backends of one rule must get, in the order of the specs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shares {
    /// Backends of positive weight, each once.
    backends: Vec<(BackendName, u64)>,
    /// Backends of weight 0.
    idle: Vec<BackendName>,
    /// Weight of all invalid references together: answered with 500.
    invalid: u64,
}

/// Why the shares of a rule cannot be tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Untestable {
    /// No backend has a positive weight.
    #[error("no backend has a positive weight")]
    NoShare,
    /// All requests go the same way: there is nothing to compare.
    #[error("there is only one share")]
    OneShare,
    /// More shares than [`MAX_SHARES`].
    #[error("more than {MAX_SHARES} shares")]
    TooMany,
}

impl Shares {
    /// The shares of a rule; a backend that is named twice gets the sum of its weights.
    ///
    /// # Errors
    /// If there are not at least two shares, or more than [`MAX_SHARES`].
    pub fn of(choices: &[BackendChoice]) -> Result<Self, Untestable> {
        let mut shares = Self {
            backends: Vec::new(),
            idle: Vec::new(),
            invalid: 0,
        };
        for choice in choices {
            shares.add(choice)?;
        }
        match shares.len() {
            0 => Err(Untestable::NoShare),
            1 => Err(Untestable::OneShare),
            _ => Ok(shares),
        }
    }

    fn add(&mut self, choice: &BackendChoice) -> Result<(), Untestable> {
        let weight = u64::from(choice.weight);
        if choice.invalid.is_some() {
            self.invalid += weight;
        } else if weight == 0 {
            self.add_idle(&choice.backend);
        } else if let Some((_, sum)) = self.backends.iter_mut().find(|(name, _)| *name == choice.backend) {
            *sum += weight;
        } else {
            self.backends.push((choice.backend.clone(), weight));
        }
        if self.len() > MAX_SHARES || self.idle.len() > MAX_SHARES {
            return Err(Untestable::TooMany);
        }
        Ok(())
    }

    fn add_idle(&mut self, backend: &BackendName) {
        if !self.idle.contains(backend) {
            self.idle.push(backend.clone());
        }
    }

    /// Number of shares: backends of positive weight, and one for invalid references if they have weight.
    #[must_use]
    pub fn len(&self) -> usize {
        self.backends.len() + usize::from(self.invalid > 0)
    }

    /// Never true of a value that [`Shares::of`] returned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The probability of each share, in order, summing to 1; the share of invalid references is last.
    #[must_use]
    pub fn probabilities(&self) -> Vec<f64> {
        let weights = || self.weights();
        let total = weights().sum::<u64>();
        #[expect(
            clippy::cast_precision_loss,
            reason = "sums of at most a few thousand weights up to 1,000,000"
        )]
        let probabilities = weights().map(|weight| weight as f64 / total as f64).collect();
        probabilities
    }

    fn weights(&self) -> impl Iterator<Item = u64> + '_ {
        let invalid = (self.invalid > 0).then_some(self.invalid);
        self.backends.iter().map(|(_, weight)| *weight).chain(invalid)
    }

    /// The backend of each share, in order; `None` for the share of invalid references.
    pub fn names(&self) -> impl Iterator<Item = Option<&BackendName>> {
        let invalid = (self.invalid > 0).then_some(None);
        self.backends.iter().map(|(name, _)| Some(name)).chain(invalid)
    }

    /// The share of a backend; `None` if it has none.
    #[must_use]
    pub fn position(&self, backend: &BackendName) -> Option<usize> {
        self.backends.iter().position(|(name, _)| name == backend)
    }

    /// The share of invalid references; `None` if they have none.
    #[must_use]
    pub fn invalid_position(&self) -> Option<usize> {
        (self.invalid > 0).then_some(self.backends.len())
    }
}
