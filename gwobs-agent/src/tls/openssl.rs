//! OpenSSL linked into a stripped program: error reports name the function they come from, since version 3 by its name,
//! before by a number.

use std::collections::{BTreeMap, BTreeSet};

use super::error_sites::profile;
use super::functions::Functions;
use super::image::Image;
use super::point::{Evidence, Function, Library, Point, Points, Returns};
use super::{references, strings};

/// An entry point: its name, and its number before version 3 (`SSL_F_…`, `sslerr.h`).
const ENTRIES: [(Function, &str, u32); 3] = [
    (Function::Read, "SSL_read", 223),
    (Function::Write, "SSL_write", 208),
    (Function::Handshake, "SSL_do_handshake", 180),
];

/// `ERR_LIB_SSL`
const SSL: u32 = 20;

/// The source file of all of them.
const FILE: &str = "ssl/ssl_lib.c";

/// Finds the entry points; `None` if this is not OpenSSL, or they cannot be told apart.
pub(super) fn find(image: &Image, functions: &Functions) -> Option<Points> {
    let files = strings::ending(image, FILE);
    if files.is_empty() {
        return None;
    }
    let reporting = containing(image, functions, &files);
    let mut points: Vec<Point> = ENTRIES
        .iter()
        .filter_map(|(function, name, number)| {
            let by_name = by_name(image, functions, &reporting, name).map(|start| (start, Evidence::OwnName));
            let found = by_name.or_else(|| {
                by_number(image, functions, &reporting, &files, *number).map(|start| (start, Evidence::OwnNumber))
            });
            let (start, evidence) = found?;
            point(image, *function, start, evidence)
        })
        .collect();
    points.extend(report(image, functions, &reporting, &files));
    let has = |wanted| points.iter().any(|point| point.function == wanted);
    (has(Function::Read) && has(Function::Write)).then_some(Points {
        library: Library::OpenSsl,
        points,
    })
}

fn point(image: &Image, function: Function, address: u64, evidence: Evidence) -> Option<Point> {
    Some(Point {
        function,
        offset: image.offset_of(address)?,
        returns: match function {
            Function::Report | Function::PutReport => Returns::Unwatched,
            _ => Returns::Probe,
        },
        evidence,
    })
}

/// Calls of `ERR_set_error`, at most: `ERR_vset_error`, and what the compiler adds to check the stack.
const MAX_INNER: usize = 4;

/// What the reporting functions call with the library's number, most often: before version 3 with the name of the source
/// file, then it is `ERR_put_error`; else it is `ERR_set_error`, and what that calls is what all reports go through.
fn report(image: &Image, functions: &Functions, reporting: &BTreeSet<u64>, files: &[u64]) -> Vec<Point> {
    let profiles = reporting
        .iter()
        .filter_map(|start| Some(profile(image, &functions.containing(*start)?, files)));
    let (mut set, mut put) = (BTreeMap::<u64, usize>::new(), BTreeMap::<u64, usize>::new());
    for profile in profiles {
        for site in profile.numbered.iter().filter(|site| site.library == Some(SSL)) {
            let is_put = profile.sites.contains(site);
            let counts = if is_put { &mut put } else { &mut set };
            if let Some(callee) = site.callee {
                *counts.entry(callee).or_default() += 1;
            }
        }
    }
    let most = |counts: BTreeMap<u64, usize>| counts.into_iter().max_by_key(|(_, count)| *count);
    let (function, addresses) = match (most(put), most(set)) {
        (Some((put, _)), _) => (Function::PutReport, BTreeSet::from([put])),
        (None, Some((set, _))) => (Function::Report, inner(image, functions, set)),
        (None, None) => return Vec::new(),
    };
    addresses
        .into_iter()
        .take(MAX_INNER)
        .filter_map(|address| point(image, function, address, Evidence::ErrorSites))
        .collect()
}

/// What a function calls.
fn inner(image: &Image, functions: &Functions, start: u64) -> BTreeSet<u64> {
    let Some(range) = functions.containing(start) else {
        return BTreeSet::new();
    };
    profile(image, &range, &[]).calls
}

/// Where functions begin that take one of these addresses.
fn containing(image: &Image, functions: &Functions, targets: &[u64]) -> BTreeSet<u64> {
    references::find(image, targets)
        .iter()
        .filter_map(|reference| functions.containing(reference.at))
        .map(|range| range.start)
        .collect()
}

/// The function that takes its own name and that of the source file.
fn by_name(image: &Image, functions: &Functions, reporting: &BTreeSet<u64>, name: &str) -> Option<u64> {
    let named = containing(image, functions, &strings::whole(image, name));
    whole(image, functions, named.intersection(reporting).copied())
}

/// The function that reports errors under its number.
fn by_number(
    image: &Image,
    functions: &Functions,
    reporting: &BTreeSet<u64>,
    files: &[u64],
    number: u32,
) -> Option<u64> {
    let reports = |start: &u64| {
        let range = functions.containing(*start)?;
        let sites = profile(image, &range, files).sites;
        let mine = |site: &super::error_sites::Site| site.library == Some(SSL) && site.function == Some(number);
        sites.iter().any(mine).then_some(*start)
    };
    whole(image, functions, reporting.iter().filter_map(reports))
}

/// The only function of these; a compiler may have moved the error reports of a function away from it, to where only jumps
/// from the function lead.
fn whole(image: &Image, functions: &Functions, mut starts: impl Iterator<Item = u64>) -> Option<u64> {
    let start = starts.next()?;
    if starts.next().is_some() {
        return None;
    }
    let part = functions.containing(start)?;
    let branches = references::branches(image, &part);
    let is_called = branches.iter().any(|branch| branch.is_call && branch.target == start);
    let parents: BTreeSet<u64> = branches
        .iter()
        .filter(|branch| !branch.is_call && !part.contains(&branch.at))
        .filter_map(|branch| functions.containing(branch.at))
        .map(|range| range.start)
        .collect();
    match parents.first() {
        Some(parent) if !is_called && parents.len() == 1 => Some(*parent),
        _ => Some(start),
    }
}
