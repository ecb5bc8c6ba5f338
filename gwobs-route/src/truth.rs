//! Whether a condition holds, and whether that is beyond doubt.

use crate::Inconclusive;

/// The likely answer, with the reason why a gateway may answer otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) holds: bool,
    pub(crate) doubt: Option<Inconclusive>,
}

impl Truth {
    pub(crate) const YES: Self = Self {
        holds: true,
        doubt: None,
    };
    pub(crate) const NO: Self = Self {
        holds: false,
        doubt: None,
    };

    pub(crate) fn certain(holds: bool) -> Self {
        Self { holds, doubt: None }
    }

    pub(crate) fn doubtful(holds: bool, doubt: Inconclusive) -> Self {
        Self {
            holds,
            doubt: Some(doubt),
        }
    }

    /// The likely answer, in doubt because of the implementation if other readings differ.
    pub(crate) fn of_readings(likely: bool, others: impl IntoIterator<Item = bool>) -> Self {
        match others.into_iter().all(|other| other == likely) {
            true => Self::certain(likely),
            false => Self::doubtful(likely, Inconclusive::ImplementationDefined),
        }
    }

    pub(crate) fn is_no(self) -> bool {
        self == Self::NO
    }

    /// Both hold; one certain no is enough.
    pub(crate) fn and(self, other: impl FnOnce() -> Self) -> Self {
        if self.is_no() {
            return self;
        }
        let other = other();
        if other.is_no() {
            return other;
        }
        Self {
            holds: self.holds && other.holds,
            doubt: self.doubt.or(other.doubt),
        }
    }

    /// All of `items` hold.
    pub(crate) fn all<T>(items: &[T], test: impl Fn(&T) -> Self) -> Self {
        items.iter().fold(Self::YES, |sum, item| sum.and(|| test(item)))
    }
}
