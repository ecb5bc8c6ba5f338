//! One object of a cluster, read.

use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hasher};

use gwobs_route::ObjectName;
use gwobs_route::model::{ConfigMap, Meta, Object, Secret};
use serde_json::Value;

use super::convert::{Outcome, convert};
use super::finding::Finding;
use super::load::Loaded;
use super::object::{RawObject, object_of_cluster};
use super::withhold::{public_part, wipe};

/// One object of a cluster, read: Kubernetes types ended with it.
#[derive(Debug, Clone)]
pub struct Spec {
    /// What routing depends on; `None` for what is not used.
    pub(super) object: Option<Object>,
    /// True if it does not fit its type.
    pub(super) refused: bool,
    /// What whoever wrote it should know.
    pub(super) findings: Vec<Finding>,
    /// Tells versions of it apart as far as routing goes: all but the status and the generation.
    pub(super) print: u64,
}

impl Spec {
    /// Reads an object that says what it is. Of a Secret, nothing but its metadata and certificates is looked at.
    #[must_use]
    pub fn read(value: Value) -> Self {
        Self::of(&object_of_cluster(without_keys(value)))
    }

    /// A Secret or ConfigMap that may not be read and is assumed to be as it should: else every listener that names it
    /// would be called invalid.
    pub(super) fn assumed(plural: &str, name: &ObjectName) -> Option<Self> {
        let meta = Meta {
            name: name.clone(),
            created: None,
            generation: 0,
            unknown: Vec::new(),
            status: None,
        };
        let object = match plural {
            "secrets" => Object::Secret(Secret {
                meta,
                has_certificate: true,
                has_key: true,
                has_authority: true,
                certificate: None,
                kind: "kubernetes.io/tls".into(),
            }),
            "configmaps" => Object::ConfigMap(ConfigMap {
                meta,
                has_authority: true,
            }),
            _ => return None,
        };
        Some(Self {
            print: print(&object),
            object: Some(object),
            refused: false,
            findings: Vec::new(),
        })
    }

    /// The object that routing depends on.
    #[must_use]
    pub fn object(&self) -> Option<&Object> {
        self.object.as_ref()
    }

    fn of(raw: &RawObject) -> Self {
        let (outcome, findings) = convert(raw);
        let (object, refused) = match outcome {
            Outcome::Used(object) => (Some(*object), false),
            Outcome::Refused(salvaged) => (salvaged.map(|object| *object), true),
            Outcome::Irrelevant | Outcome::Unknown => (None, false),
        };
        Self {
            print: object.as_ref().map_or(0, print),
            object,
            refused,
            findings,
        }
    }

    /// The same as manifests that hold these objects.
    #[must_use]
    pub fn all(values: Vec<Value>) -> Loaded {
        let mut loaded = Loaded::default();
        for value in values {
            loaded.add(&object_of_cluster(without_keys(value)));
        }
        loaded
    }
}

/// The value, or of a Secret its public part: the rest is overwritten where it stands.
fn without_keys(mut value: Value) -> Value {
    if value.get("kind").and_then(Value::as_str) != Some("Secret") {
        return value;
    }
    let public = public_part(&value);
    wipe(&mut value);
    public
}

/// A print of everything that routing depends on.
fn print(object: &Object) -> u64 {
    struct Print(DefaultHasher);
    impl Write for Print {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    let mut timeless = object.clone();
    let meta = meta_mut(&mut timeless);
    (meta.status, meta.generation) = (None, 0);
    let mut print = Print(DefaultHasher::new());
    // Writing to a hasher does not fail.
    let _ = write!(print, "{timeless:?}");
    print.0.finish()
}

fn meta_mut(object: &mut Object) -> &mut Meta {
    match object {
        Object::GatewayClass(object) => &mut object.meta,
        Object::Gateway(object) => &mut object.meta,
        Object::ListenerSet(object) => &mut object.meta,
        Object::Route(object) => &mut object.meta,
        Object::Service(object) => &mut object.meta,
        Object::ServiceImport(object) => &mut object.meta,
        Object::EndpointSlice(object) => &mut object.meta,
        Object::ReferenceGrant(object) => &mut object.meta,
        Object::Namespace(object) => &mut object.meta,
        Object::Secret(object) => &mut object.meta,
        Object::ConfigMap(object) => &mut object.meta,
        Object::BackendTlsPolicy(object) => &mut object.meta,
    }
}
