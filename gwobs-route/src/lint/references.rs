//! Every reference to another object that may need a ReferenceGrant.

use std::sync::Arc;

use crate::attach::names_service;
use crate::lint::field;
use crate::lint::finding::ObjectRef;
use crate::lint::world::World;
use crate::model::{BackendRef, ClientValidation, Filter, Gateway, Kind, Listener, Reference, Route, Rule};
use crate::{ObjectName, RouteKind};

/// A reference and where it stands.
pub(super) struct Use<'a> {
    /// The object that refers.
    pub(super) from: ObjectRef,
    /// Path of the reference.
    pub(super) field: String,
    /// What it refers to.
    pub(super) target: &'a Reference,
    /// The reference as a backend with the kind of its route; `None` for certificates.
    pub(super) backend: Option<(RouteKind, &'a BackendRef)>,
    /// False for routes of a mesh alone: they may refer to other namespaces without a ReferenceGrant (GEP-1294).
    pub(super) needs_grant: bool,
}

impl Use<'_> {
    pub(super) fn namespace(&self) -> &Arc<str> {
        &self.from.name.namespace
    }

    /// The object that is referred to.
    pub(super) fn object(&self) -> ObjectName {
        self.target.resolve(self.namespace())
    }

    pub(super) fn crosses(&self) -> bool {
        self.object().namespace != *self.namespace()
    }
}

/// All references of all objects, in order.
pub(super) fn all<'a>(world: &World<'a>) -> Vec<Use<'a>> {
    let mut uses = Vec::new();
    for gateway in world.gateways() {
        of_gateway(gateway, &mut uses);
    }
    for set in world.listener_sets() {
        of_listeners(&ObjectRef::new(set.name().kind(), &set.meta), &set.listeners, &mut uses);
    }
    for route in world.routes() {
        of_route(route, &mut uses);
    }
    uses
}

fn plain<'a>(from: &ObjectRef, field: String, target: &'a Reference) -> Use<'a> {
    Use {
        from: from.clone(),
        field,
        target,
        backend: None,
        needs_grant: true,
    }
}

fn of_gateway<'a>(gateway: &'a Gateway, uses: &mut Vec<Use<'a>>) {
    let from = ObjectRef::new(Kind::Gateway, &gateway.meta);
    of_listeners(&from, &gateway.listeners, uses);
    let mut add = |at: String, validation: &'a ClientValidation| {
        for (index, target) in validation.authorities.iter().enumerate() {
            uses.push(plain(&from, format!("{at}.caCertificateRefs[{index}]"), target));
        }
    };
    if let Some(validation) = &gateway.client_validation {
        add("spec.tls.frontend.default.validation".to_owned(), validation);
    }
    for (index, (_, validation)) in gateway.client_validation_per_port.iter().enumerate() {
        if let Some(validation) = validation {
            add(format!("spec.tls.frontend.perPort[{index}].tls.validation"), validation);
        }
    }
    if let Some(target) = &gateway.backend_client_certificate {
        uses.push(plain(&from, "spec.tls.backend.clientCertificateRef".to_owned(), target));
    }
}

fn of_listeners<'a>(from: &ObjectRef, listeners: &'a [Listener], uses: &mut Vec<Use<'a>>) {
    for (index, listener) in listeners.iter().enumerate() {
        let certificates = listener.tls.iter().flat_map(|tls| &tls.certificates).enumerate();
        for (position, target) in certificates {
            let at = format!("{}.tls.certificateRefs[{position}]", field::listener(index));
            uses.push(plain(from, at, target));
        }
    }
}

fn of_route<'a>(route: &'a Route, uses: &mut Vec<Use<'a>>) {
    let mut collector = Collector {
        from: ObjectRef::route(route),
        kind: route.kind,
        needs_grant: !is_of_mesh(route),
        uses,
    };
    for (index, rule) in route.rules.iter().enumerate() {
        collector.rule(rule, index);
    }
}

/// True if the route has Services for parents and nothing else.
fn is_of_mesh(route: &Route) -> bool {
    !route.parents.is_empty() && route.parents.iter().all(|parent| names_service(&parent.target))
}

struct Collector<'a, 'u> {
    from: ObjectRef,
    kind: RouteKind,
    needs_grant: bool,
    uses: &'u mut Vec<Use<'a>>,
}

impl<'a> Collector<'a, '_> {
    fn rule(&mut self, rule: &'a Rule, index: usize) {
        self.filters(&rule.filters, &field::rule(index));
        for (position, backend) in rule.backends.iter().enumerate() {
            let at = field::backend(index, position);
            self.filters(&backend.filters, &at);
            self.backend(at, backend);
        }
    }

    fn filters(&mut self, filters: &'a [Filter], at: &str) {
        for (index, filter) in filters.iter().enumerate() {
            match filter {
                Filter::Mirror(mirror) => {
                    self.backend(
                        format!("{at}.filters[{index}].requestMirror.backendRef"),
                        &mirror.backend,
                    );
                }
                Filter::ExternalAuth(auth) => {
                    self.backend(format!("{at}.filters[{index}].externalAuth.backendRef"), &auth.backend);
                }
                _ => {}
            }
        }
    }

    fn backend(&mut self, field: String, backend: &'a BackendRef) {
        let from = self.from.clone();
        self.uses.push(Use {
            from,
            field,
            target: &backend.target,
            backend: Some((self.kind, backend)),
            needs_grant: self.needs_grant,
        });
    }
}
