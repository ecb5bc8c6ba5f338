//! Label and field selectors, as far as controllers use them: equality.

use serde_json::Value;

/// `a=b,c!=d`: what must hold of fields or labels.
#[derive(Debug, Default)]
pub(super) struct Selector(Vec<(String, bool, String)>);

impl Selector {
    pub(super) fn parse(text: &str) -> Self {
        let terms = text.split(',').filter(|term| !term.is_empty());
        Self(terms.filter_map(term).collect())
    }

    /// Whether the object's labels are as wanted.
    pub(super) fn labels(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels");
        self.hold(|name| labels?.get(name)?.as_str())
    }

    /// Whether the object's fields are as wanted.
    pub(super) fn fields(&self, object: &Value) -> bool {
        self.hold(|name| object.pointer(&format!("/{}", name.replace('.', "/")))?.as_str())
    }

    fn hold<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> bool {
        let holds = |(name, equal, wanted): &(String, bool, String)| (value(name) == Some(wanted)) == *equal;
        self.0.iter().all(holds)
    }
}

fn term(term: &str) -> Option<(String, bool, String)> {
    let (name, equal, value) = match term.split_once("!=") {
        Some((name, value)) => (name, false, value),
        None => {
            let (name, value) = term.split_once('=')?;
            (name, true, value.trim_start_matches('='))
        }
    };
    Some((name.trim().to_owned(), equal, value.trim().to_owned()))
}
