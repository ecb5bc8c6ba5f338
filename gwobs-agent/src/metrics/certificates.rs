//! Certificates, read at each scrape: `gwobs_certificate_not_after_seconds`, `gwobs_certificate_stale` and what else is wrong.
//!
//! Labels are names of objects. Fingerprints and issuers, of which there is no end, stand in the log.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::certificates::{Certificates, Known, Problem, Target};

#[cfg(test)]
mod tests;

/// Exports certificates, which are replaced as a whole.
#[derive(Debug)]
pub struct CertificateCollector(Arc<ArcSwap<Certificates>>);

impl CertificateCollector {
    /// Registers the metrics of certificates that are replaced as a whole.
    pub fn register(registry: &mut Registry, certificates: Arc<ArcSwap<Certificates>>) {
        let registry = registry.sub_registry_with_prefix("gwobs");
        registry.register_collector(Box::new(Self(certificates)));
    }
}

/// Names and values of labels.
type Labels<'a> = Vec<(&'static str, &'a str)>;

impl Collector for CertificateCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let certificates = self.0.load();
        let places = by_place(&certificates.known);
        not_after(&mut encoder, &places)?;
        stale(&mut encoder, &places)?;
        problems(&mut encoder, &places)?;
        handshakes(&mut encoder, &certificates)?;
        let help = "Certificates that are due here and not looked at, because there are too many";
        gauge(
            &mut encoder,
            "certificates_not_looked_at",
            help,
            [(Vec::new(), count(certificates.beyond))],
        )
    }
}

/// A listener's certificate at all pods of the node: label values are the same for all.
type Places<'a> = BTreeMap<[&'a str; 5], Vec<&'a Known>>;

fn by_place(known: &[Known]) -> Places<'_> {
    let mut places = Places::new();
    for one in known {
        let Target {
            gateway,
            listener,
            secret,
            ..
        } = &one.target;
        let place = [
            &*secret.namespace,
            &*secret.name,
            &*gateway.namespace,
            &*gateway.name,
            &**listener,
        ];
        places.entry(place).or_default().push(one);
    }
    places
}

fn labels<'a>(place: [&'a str; 5], more: &[(&'static str, &'a str)]) -> Labels<'a> {
    const NAMES: [&str; 5] = ["namespace", "name", "gateway_namespace", "gateway", "listener"];
    NAMES.into_iter().zip(place).chain(more.iter().copied()).collect()
}

fn gauge<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels<'a>, i64)>,
) -> Result<(), fmt::Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        match labels.as_slice() {
            [] => metric.encode_gauge(&value)?,
            labels => metric.encode_family(&labels)?.encode_gauge(&value)?,
        }
    }
    Ok(())
}

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn not_after(encoder: &mut DescriptorEncoder<'_>, places: &Places<'_>) -> Result<(), fmt::Error> {
    let values = places.iter().flat_map(|(place, known)| {
        let end = |of: fn(&Known) -> Option<i64>| known.iter().filter_map(|one| of(one)).min();
        let secret = end(|one| Some(one.expected.as_ref()?.not_after));
        let served = end(|one| Some(one.served.as_ref()?.not_after));
        let of = [("secret", secret), ("served", served)].into_iter();
        of.filter_map(|(source, end)| Some((labels(*place, &[("source", source)]), end?)))
    });
    let help = "End of a certificate's validity: of the one in the Secret, and of the one that is served";
    gauge(encoder, "certificate_not_after_seconds", help, values)
}

fn stale(encoder: &mut DescriptorEncoder<'_>, places: &Places<'_>) -> Result<(), fmt::Error> {
    // Where either is not known there is nothing to compare.
    let compared = |known: &[&Known]| known.iter().any(|one| one.expected.is_some() && one.served.is_some());
    let is_stale = |known: &[&Known]| known.iter().any(|one| one.problems.contains(&Problem::Stale));
    let values = places.iter().filter(|(_, known)| compared(known));
    let values = values.map(|(place, known)| (labels(*place, &[]), i64::from(is_stale(known))));
    let help = "Whether a listener serves another certificate than the Secret holds";
    gauge(encoder, "certificate_stale", help, values)?;
    let since = places.iter().filter_map(|(place, known)| {
        let since = known.iter().filter_map(|one| one.stale_since).min()?;
        Some((labels(*place, &[]), since))
    });
    let help = "Since when a listener serves another certificate than the Secret holds";
    gauge(encoder, "certificate_stale_since_seconds", help, since)
}

fn problems(encoder: &mut DescriptorEncoder<'_>, places: &Places<'_>) -> Result<(), fmt::Error> {
    let values = places.iter().flat_map(|(place, known)| {
        Problem::ALL.into_iter().map(move |problem| {
            let has = known.iter().any(|one| one.problems.contains(&problem));
            (labels(*place, &[("problem", problem.as_str())]), i64::from(has))
        })
    });
    let help = "What is wrong with the certificate that a listener serves";
    gauge(encoder, "certificate_problem", help, values)
}

fn handshakes(encoder: &mut DescriptorEncoder<'_>, certificates: &Certificates) -> Result<(), fmt::Error> {
    let help = "TLS handshakes that the agent made to look at certificates";
    let mut metric = encoder.encode_descriptor("certificate_handshakes", help, None, MetricType::Counter)?;
    for (outcome, count) in &certificates.handshakes {
        metric
            .encode_family(&[("outcome", *outcome)])?
            .encode_counter::<NoLabelSet, _, u64>(count, None)?;
    }
    Ok(())
}
