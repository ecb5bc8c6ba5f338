//! The older text format of Prometheus (version 0.0.4), for scrapers that ask for it and not for OpenMetrics, and for
//! `promtool check metrics`.

use axum::http::{HeaderMap, header};

#[cfg(test)]
mod tests;

/// The media type of the format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether a request accepts this format and does not mention OpenMetrics.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("version=0.0.4") && !accept.contains("openmetrics"))
}

/// An exposition of OpenMetrics in the older format. Families of counters and infos carry the suffix of their samples there;
/// there are no units, and no mark at the end.
pub(super) fn classic(openmetrics: &str) -> String {
    let mut text = String::with_capacity(openmetrics.len());
    let mut help = None;
    for line in openmetrics.lines() {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match *words.as_slice() {
            ["#", "HELP", name, told] => help = Some((name, told)),
            ["#", "TYPE", name, kind] => {
                let (suffix, kind) = family(kind);
                if let Some((_, told)) = help.take().filter(|(named, _)| *named == name) {
                    text.extend(["# HELP ", name, suffix, " ", told, "\n"]);
                }
                text.extend(["# TYPE ", name, suffix, " ", kind, "\n"]);
            }
            ["#", ..] => {}
            _ => text.extend([line, "\n"]),
        }
    }
    text
}

/// The suffix of a family's name in the older format, and its type there.
fn family(kind: &str) -> (&'static str, &str) {
    match kind {
        "counter" => ("_total", "counter"),
        "info" => ("_info", "gauge"),
        "unknown" => ("", "untyped"),
        other => ("", other),
    }
}
