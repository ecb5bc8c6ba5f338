//! Whether the copies went where they should.

use crate::judge::{Case, Findings};
use crate::{Action, Attempt, Endpoints, MirrorTarget, Mismatch, Origin, Purpose};

/// Only mirrors of every request can be missed, only where an endpoint is ready, and only if the request itself got through.
pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let Action::Forward { mirrors, .. } = &case.decision.action else {
        return;
    };
    let attempts = case.observation.attempts;
    let to = |target: &MirrorTarget, attempt: &Attempt<'_>| case.snapshot.owns(&target.backend, attempt.address);
    let answered = case
        .observation
        .response
        .is_some_and(|response| response.origin == Origin::Upstream);
    let missed = |target: &MirrorTarget| {
        target.percent >= 100.0
            && case.snapshot.endpoints(&target.backend) == Endpoints::Ready
            && !attempts.iter().any(|attempt| to(target, attempt))
    };
    let stray = |attempt: &&Attempt<'_>| {
        attempt.purpose == Purpose::Mirror
            && !case.snapshot.backends_at(attempt.address).is_empty()
            && !mirrors.iter().any(|target| target.percent > 0.0 && to(target, attempt))
    };
    if (answered && mirrors.iter().any(missed)) || attempts.iter().any(|attempt| stray(&attempt)) {
        findings.wrong(Mismatch::WrongMirror);
    }
}
