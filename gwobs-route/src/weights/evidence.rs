//! The test martingale of one run: how strongly the requests so far speak against the expected shares.

#[cfg(test)]
mod tests;

/// Requests of one run and the evidence in them. All vectors have one entry per share.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Evidence {
    /// Expected shares: the null hypothesis. All positive.
    expected: Vec<f64>,
    /// Requests per share as seen.
    seen: Vec<u64>,
    /// Requests per share, those of unknown backend put where they speak most for the gateway.
    counts: Vec<u64>,
    /// Sum of `counts`.
    total: u64,
    /// Natural logarithm of the likelihood ratio of "other shares" to the expected ones.
    against_expected: f64,
    /// The same against an equal split.
    against_equal: f64,
}

impl Evidence {
    /// No requests yet.
    pub(super) fn new(expected: Vec<f64>) -> Self {
        let shares = expected.len();
        Self {
            expected,
            seen: vec![0; shares],
            counts: vec![0; shares],
            total: 0,
            against_expected: 0.0,
            against_equal: 0.0,
        }
    }

    /// The same expected shares, no requests yet.
    pub(super) fn afresh(&self) -> Self {
        Self::new(self.expected.clone())
    }

    /// Counts a request that went to the share at `position`; one that does not exist is ignored.
    pub(super) fn add(&mut self, position: usize) {
        let Some(&expected) = self.expected.get(position) else {
            return;
        };
        let predicted = self.predicted(position);
        if let Some(seen) = self.seen.get_mut(position) {
            *seen += 1;
        }
        self.multiply(position, (predicted / expected).ln());
    }

    /// Counts a request whose backend is not known: as the share that speaks most for the gateway. The factor is the least
    /// of all, so its expectation is at most 1 whatever hid the request.
    pub(super) fn add_unknown(&mut self) {
        let ratios = self
            .expected
            .iter()
            .enumerate()
            .map(|(position, expected)| (position, self.predicted(position) / expected));
        if let Some((position, ratio)) = ratios.min_by(|a, b| a.1.total_cmp(&b.1)) {
            self.multiply(position, ratio.ln());
        }
    }

    /// The mixture's prediction for the next request: Laplace's rule, the mean of a uniform Dirichlet prior after the
    /// requests so far. The product of these predictions is the Dirichlet-multinomial likelihood.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    fn predicted(&self, position: usize) -> f64 {
        let count = self.counts.get(position).copied().unwrap_or(0);
        (count + 1) as f64 / (self.total + self.counts.len() as u64) as f64
    }

    fn multiply(&mut self, position: usize, factor: f64) {
        #[expect(clippy::cast_precision_loss, reason = "at most MAX_SHARES shares")]
        let equal = (self.predicted(position) * self.counts.len() as f64).ln();
        self.against_expected += factor;
        self.against_equal += equal;
        if let Some(count) = self.counts.get_mut(position) {
            *count += 1;
        }
        self.total += 1;
    }

    /// Logarithm of the evidence against the expected shares; an alarm at rate `α` is due from `-ln α` on.
    pub(super) fn against_expected(&self) -> f64 {
        self.against_expected
    }

    /// Logarithm of the evidence against an equal split.
    pub(super) fn against_equal(&self) -> f64 {
        self.against_equal
    }

    /// Requests, known or not.
    pub(super) fn requests(&self) -> u64 {
        self.total
    }

    /// Requests seen, per share.
    pub(super) fn seen(&self) -> &[u64] {
        &self.seen
    }
}
