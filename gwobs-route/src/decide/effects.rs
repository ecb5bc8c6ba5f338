//! The filters of a rule or backend, sorted by what they do.

use crate::ResponseHeaders;
use crate::model::{Cors, Filter, HeaderModifier, Mirror, Redirect, Rewrite};

/// See the module. Of filters that must not be repeated the first counts.
#[derive(Debug, Default)]
pub(crate) struct Effects<'a> {
    pub(crate) redirect: Option<&'a Redirect>,
    pub(crate) rewrite: Option<&'a Rewrite>,
    pub(crate) request_headers: Vec<&'a HeaderModifier>,
    pub(crate) changed_response: Vec<&'a HeaderModifier>,
    pub(crate) mirrors: Vec<&'a Mirror>,
    pub(crate) cors: Option<&'a Cors>,
    /// The gateway may answer by itself: ExternalAuth, or a filter of unknown effect.
    pub(crate) may_answer: bool,
    /// An implementation's own filter may have changed anything in the request.
    pub(crate) opaque: bool,
    /// A filter type that is not understood.
    pub(crate) unknown: bool,
}

impl<'a> Effects<'a> {
    pub(crate) fn of(filters: &'a [Filter]) -> Self {
        let mut effects = Self::default();
        filters.iter().for_each(|filter| effects.add(filter));
        effects
    }

    fn add(&mut self, filter: &'a Filter) {
        match filter {
            Filter::RequestHeaders(modifier) => self.request_headers.push(modifier),
            Filter::ResponseHeaders(modifier) => self.changed_response.push(modifier),
            Filter::Redirect(redirect) => self.redirect = self.redirect.or(Some(redirect)),
            Filter::Rewrite(rewrite) => self.rewrite = self.rewrite.or(Some(rewrite)),
            Filter::Mirror(mirror) => self.mirrors.push(mirror),
            Filter::Cors(cors) => self.cors = self.cors.or(Some(cors)),
            Filter::ExternalAuth(_) => self.may_answer = true,
            Filter::Extension(_) => (self.may_answer, self.opaque) = (true, true),
            Filter::Unknown(_) => (self.may_answer, self.opaque, self.unknown) = (true, true, true),
        }
    }

    pub(super) fn response_headers(&self) -> ResponseHeaders {
        let mut headers = ResponseHeaders::default();
        for modifier in &self.changed_response {
            headers
                .set
                .extend(modifier.set.iter().map(|one| (one.name.clone(), one.value.to_string())));
            headers
                .added
                .extend(modifier.add.iter().map(|one| (one.name.clone(), one.value.to_string())));
            headers.removed.extend(modifier.remove.iter().cloned());
        }
        headers
    }
}
