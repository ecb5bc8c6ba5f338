//! Are the weights of a rule honoured? Expected against observed shares, tested while requests come in.
//!
//! # The test
//!
//! For every request that a rule forwards, the specs say with which probability each backend is chosen. Against this
//! null hypothesis stands "some other shares", with a uniform (Dirichlet) mixture over all of them. The ratio of the
//! two likelihoods is a test martingale: under the null its expectation never exceeds its start, 1. By Ville's
//! inequality the chance that it *ever* reaches `1/α` is at most `α`, so one may look after every request, or stop
//! whenever one likes, and the false-alarm rate holds. A classical χ² test that is repeated on growing data does not
//! have this property: sooner or later it alarms on a healthy gateway.
//!
//! Source: M. Lindon and A. Malek, "Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022
//! (arXiv:2011.03567); J. Ville, "Étude critique de la notion de collectif", 1939; for the general theory A. Ramdas,
//! P. Grünwald, V. Vovk and G. Shafer, "Game-theoretic statistics and safe anytime-valid inference", 2023.
//!
//! * **Windows.** A test over all time is slow to see what began yesterday. Two tests run side by side, each with half of
//!   the false-alarm rate: one since the weights were last changed, which finds small lasting skews, and one that begins
//!   anew regularly. The k-th run of a test gets the share `1/(k(k+1))` of its rate (they sum to 1), so the promise is
//!   for the rule's whole life: at most `α`, however often windows begin and weights change.
//! * **Requests whose backend is not known** are not assumed to be missing at random. Each one counts as whatever
//!   speaks most for the gateway. The product stays a supermartingale whatever hides them, so the rate still holds.
//! * **Power**, simulated at the default rate (median, most of 200 gateways): 50/50 instead of 90/10 is found after 50
//!   requests, as soon as the warm-up ends; 80/20 instead of 90/10 after 220 (653), 40/60 instead of 50/50 after 504
//!   (1,257), nothing at all for the small one of 90/10 after 125.
//! * **Weight 0** takes no part: such a backend getting a request is a misroute that needs no statistics. It is
//!   counted. **Invalid references** keep their share: it must be answered with 500.
//! * **What the null assumes:** each request is drawn independently, or evener than that (weighted round robin).
//!   Session persistence breaks it: such rules must not be fed in.

mod detector;
mod evidence;
mod ledger;
mod monitor;
mod report;
mod shares;

#[cfg(test)]
mod simulation;

pub use ledger::{Ledger, MAX_RULES, RuleKey};
pub use monitor::{Monitor, Outcome, Settings, SettingsError};
pub use report::{Report, Share, Skew};
pub use shares::{MAX_SHARES, Shares, Untestable};
