//! The state of the specs, read at each scrape: conditions, cross-namespace references, unsupported features, CRDs.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use gwobs_route::status::ObjectStatus;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::cluster::{CHANGES, State};

#[cfg(test)]
mod tests;

/// Exports a state that is replaced as a whole.
#[derive(Debug)]
pub struct StateCollector {
    state: Arc<ArcSwap<State>>,
    /// Statuses that are exported, at most: one for each route and parent, and one for each listener.
    max_statuses: usize,
}

/// Names and values of labels.
type Labels<'a> = Vec<(&'static str, &'a str)>;

impl StateCollector {
    /// Registers the metrics of a state that is replaced as a whole.
    pub fn register(registry: &mut Registry, state: Arc<ArcSwap<State>>, max_statuses: usize) {
        let registry = registry.sub_registry_with_prefix("gwobs");
        registry.register_collector(Box::new(Self { state, max_statuses }));
    }
}

impl Collector for StateCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let state = self.state.load();
        let shown = state.statuses.get(..self.max_statuses).unwrap_or(&state.statuses);
        conditions(&mut encoder, shown)?;
        contradicted(&mut encoder, shown)?;
        lag(&mut encoder, shown, &state)?;
        attached(&mut encoder, shown)?;
        references(&mut encoder, &state)?;
        grant_changes(&mut encoder, &state)?;
        features(&mut encoder, &state)?;
        definitions(&mut encoder, &state)?;
        refused(&mut encoder, &state)?;
        let hidden = state.statuses.len().saturating_sub(shown.len());
        let help = "Statuses beyond the cap";
        let metric = encoder.encode_descriptor("statuses_not_exported", help, None, MetricType::Gauge)?;
        encode_count(metric, hidden)
    }
}

fn gauge<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels<'a>, usize)>,
) -> Result<(), fmt::Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        encode_count(metric.encode_family(&labels)?, value)?;
    }
    Ok(())
}

fn encode_count(mut metric: MetricEncoder<'_>, value: usize) -> Result<(), fmt::Error> {
    metric.encode_gauge(&i64::try_from(value).unwrap_or(i64::MAX))
}

fn of<'a>(status: &'a ObjectStatus, more: &[(&'static str, &'a str)]) -> Labels<'a> {
    let parent = status.parent.as_ref();
    let mut labels = vec![
        ("kind", status.kind),
        ("namespace", &*status.name.namespace),
        ("name", &*status.name.name),
        ("parent_namespace", parent.map_or("", |parent| &*parent.name.namespace)),
        ("parent", parent.map_or("", |parent| &*parent.name.name)),
        ("section", status.section.as_deref().unwrap_or_default()),
    ];
    labels.extend_from_slice(more);
    labels
}

fn conditions(encoder: &mut DescriptorEncoder<'_>, statuses: &[ObjectStatus]) -> Result<(), fmt::Error> {
    let all = statuses.iter().flat_map(|status| {
        status.actual.iter().map(move |condition| {
            let more = [
                ("type", &*condition.kind),
                ("status", &*condition.status),
                ("reason", &*condition.reason),
            ];
            let labels = of(status, &more);
            (labels, 1)
        })
    });
    gauge(encoder, "object_condition", "Conditions as controllers wrote them", all)
}

fn contradicted(encoder: &mut DescriptorEncoder<'_>, statuses: &[ObjectStatus]) -> Result<(), fmt::Error> {
    let all = statuses.iter().flat_map(|status| {
        status.contradicted().map(move |(expected, _)| {
            let more = [
                ("type", expected.kind),
                ("status", expected.status_text()),
                ("reason", expected.reason),
            ];
            let labels = of(status, &more);
            (labels, 1)
        })
    });
    let help = "Conditions that the objects demand where the controller wrote another status";
    gauge(encoder, "object_condition_contradicted", help, all)
}

fn lag(encoder: &mut DescriptorEncoder<'_>, statuses: &[ObjectStatus], state: &State) -> Result<(), fmt::Error> {
    let all = statuses.iter().flat_map(|status| {
        let generation = state.generations.get(&(status.kind, status.name.clone())).copied();
        status.actual.iter().filter_map(move |condition| {
            let behind = generation?.checked_sub(condition.observed_generation?)?;
            let labels = of(status, &[("type", &*condition.kind)]);
            Some((labels, usize::try_from(behind).ok().filter(|behind| *behind > 0)?))
        })
    });
    let help = "Generations of the object that a condition does not speak of yet";
    gauge(encoder, "object_condition_generation_lag", help, all)
}

fn attached(encoder: &mut DescriptorEncoder<'_>, statuses: &[ObjectStatus]) -> Result<(), fmt::Error> {
    let all = statuses.iter().flat_map(|status| {
        let pair = status.attached_routes.as_ref();
        let expected = pair.map(|pair| ("expected", pair.expected));
        let actual = pair.and_then(|pair| Some(("status", pair.actual?)));
        expected.into_iter().chain(actual).map(move |(source, count)| {
            let labels = vec![
                ("kind", status.kind),
                ("namespace", &*status.name.namespace),
                ("name", &*status.name.name),
                ("listener", status.section.as_deref().unwrap_or_default()),
                ("source", source),
            ];
            (labels, count)
        })
    });
    gauge(
        encoder,
        "attached_routes",
        "Routes of a listener, as due and as its status counts them",
        all,
    )
}

fn references(encoder: &mut DescriptorEncoder<'_>, state: &State) -> Result<(), fmt::Error> {
    let all = state.survey.references.iter().map(|reference| {
        let labels = vec![
            ("kind", reference.from.kind()),
            ("namespace", &*reference.from.name.namespace),
            ("name", &*reference.from.name.name),
            ("to_kind", &*reference.to_kind),
            ("to_namespace", &*reference.to.namespace),
            ("to_name", &*reference.to.name),
            ("granted", if reference.granted { "true" } else { "false" }),
        ];
        (labels, 1)
    });
    gauge(
        encoder,
        "cross_namespace_reference",
        "References to objects of other namespaces",
        all,
    )
}

fn grant_changes(encoder: &mut DescriptorEncoder<'_>, state: &State) -> Result<(), fmt::Error> {
    let help = "ReferenceGrants that came, changed and went since the agent began";
    let mut metric = encoder.encode_descriptor("reference_grant_changes", help, None, MetricType::Counter)?;
    for (namespace, counts) in &state.grant_changes {
        for (change, count) in CHANGES.iter().zip(counts) {
            let labels = [("namespace", &**namespace), ("change", *change)];
            metric
                .encode_family(&labels)?
                .encode_counter::<NoLabelSet, _, u64>(count, None)?;
        }
    }
    Ok(())
}

fn features(encoder: &mut DescriptorEncoder<'_>, state: &State) -> Result<(), fmt::Error> {
    let all = state.survey.features.iter().map(|one| {
        let labels = vec![
            ("gateway_class", &*one.class),
            ("kind", one.object.kind()),
            ("namespace", &*one.object.name.namespace),
            ("name", &*one.object.name.name),
            ("feature", one.feature),
        ];
        (labels, 1)
    });
    gauge(
        encoder,
        "unsupported_feature",
        "Features in use that the class does not list",
        all,
    )
}

fn definitions(encoder: &mut DescriptorEncoder<'_>, state: &State) -> Result<(), fmt::Error> {
    let all = state.definitions.iter().map(|(name, definition)| {
        let labels = vec![
            ("name", &**name),
            ("bundle_version", &*definition.bundle_version),
            ("channel", &*definition.channel),
        ];
        (labels, 1)
    });
    // An info in all but the type: that of OpenMetrics must not have samples of several sets of labels that change.
    gauge(encoder, "crd_info", "CRDs of the Gateway API", all)
}

fn refused(encoder: &mut DescriptorEncoder<'_>, state: &State) -> Result<(), fmt::Error> {
    let refused = state
        .refused
        .iter()
        .map(|(collection, count)| (label(collection), *count));
    gauge(
        encoder,
        "objects_refused",
        "Objects that do not fit their type and are not used",
        refused,
    )?;
    let unreadable = state.unreadable.iter().map(|collection| (label(collection), 1));
    gauge(
        encoder,
        "collection_unreadable",
        "Collections that cannot be read and count as empty",
        unreadable,
    )
}

fn label(collection: &str) -> Labels<'_> {
    vec![("collection", collection)]
}
