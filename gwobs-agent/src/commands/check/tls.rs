//! Whether the TLS libraries of processes can be read.

use super::Need;
use crate::tls::{Finder, Located, Point, Points};

/// What was found in each process. A gateway without a TLS library lacks nothing.
pub(super) fn needs(pids: &[u32]) -> Vec<Need> {
    let mut finder = Finder::default();
    let images = |pid: &u32| {
        let found = finder.find(*pid);
        let has_library = found.iter().any(|(_, points)| points.is_ok());
        let told = found
            .into_iter()
            .filter(move |(_, points)| points.is_ok() || !has_library);
        let pid = *pid;
        told.map(move |(located, points)| need(pid, &located, points.as_deref().map_err(String::as_str)))
            .collect::<Vec<_>>()
    };
    pids.iter().flat_map(images).collect()
}

fn need(pid: u32, located: &Located, points: Result<&Points, &str>) -> Need {
    let found = match points {
        Ok(points) => Ok(format!(
            "{} in {}: {}",
            points.library.as_str(),
            located.name,
            all(points)
        )),
        Err(why) if located.name.is_empty() => Err(why.to_owned()),
        Err(why) => Ok(format!("{}: {why}", located.name)),
    };
    Need::new(format!("TLS plaintext of {pid}"), found)
}

fn all(points: &Points) -> String {
    let each: Vec<String> = points.points.iter().map(one).collect();
    each.join(", ")
}

fn one(point: &Point) -> String {
    format!(
        "{} at {:#x} (by {})",
        point.function.as_str(),
        point.offset,
        point.evidence.as_str()
    )
}
