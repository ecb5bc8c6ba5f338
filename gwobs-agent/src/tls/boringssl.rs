//! BoringSSL linked into a stripped program: what its entry points report as errors tells them apart (`ssl/ssl_lib.cc`).
//! The set of reasons survives versions and compilers better than bytes, sizes or line numbers.

use std::collections::BTreeMap;
use std::ops::Range;

use super::error_sites::{Profile, profile};
use super::functions::Functions;
use super::image::Image;
use super::point::{Evidence, Function, Library, Point, Points, Returns};
use super::{references, strings};

/// `ERR_LIB_SSL`
const SSL: u32 = 16;
/// `ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED`: what QUIC connections get from calls for streams.
const NOT_FOR_QUIC: u32 = 66;
/// `SSL_R_CONNECTION_TYPE_NOT_SET`
const NO_ROLE: u32 = 134;
/// `SSL_R_SSL_HANDSHAKE_FAILURE`
const HANDSHAKE_FAILURE: u32 = 215;
/// `SSL_R_UNINITIALIZED`
const UNINITIALIZED: u32 = 226;

/// How far `SSL_read` lies from `SSL_peek`: the linker keeps the order of one source file.
const NEIGHBOURHOOD: u64 = 16 << 10;

/// A function and what it does.
type Known = (Range<u64>, Profile);

/// Finds the entry points; `None` if this is not BoringSSL, or they cannot be told apart.
pub(super) fn find(image: &Image, functions: &Functions) -> Option<Points> {
    let files = strings::ending(image, "/ssl_lib.cc");
    let known = reporting(image, functions, &files);
    let write = only(&known, |reasons| {
        has(reasons, &[NOT_FOR_QUIC, UNINITIALIZED, HANDSHAKE_FAILURE])
    })?;
    // `ssl_read_impl`, which all that read call.
    let reading = only(&known, |reasons| {
        has(reasons, &[UNINITIALIZED, HANDSHAKE_FAILURE]) && !reasons.contains(&NOT_FOR_QUIC)
    })?;
    let read = read(image, functions, &known, reading.0.start)?;
    let handshake = only(&known, |reasons| reasons == [NO_ROLE])
        .filter(|(range, _)| reading.1.calls.contains(&range.start) || write.1.calls.contains(&range.start));
    let mut found = vec![(Function::Read, read), (Function::Write, write.0.start)];
    found.extend(handshake.map(|(range, _)| (Function::Handshake, range.start)));
    found.extend(reporting_function(&write.1).map(|address| (Function::PutReport, address)));
    let points = found
        .into_iter()
        .map(|(function, address)| point(image, function, address));
    Some(Points {
        library: Library::BoringSsl,
        points: points.collect::<Option<_>>()?,
    })
}

fn point(image: &Image, function: Function, address: u64) -> Option<Point> {
    Some(Point {
        function,
        offset: image.offset_of(address)?,
        returns: match function {
            Function::PutReport => Returns::Unwatched,
            _ => Returns::Probe,
        },
        evidence: Evidence::ErrorSites,
    })
}

/// `ERR_put_error`: what all reports of a function call.
fn reporting_function(profile: &Profile) -> Option<u64> {
    let mut callees = profile.sites.iter().map(|site| site.callee);
    let first = callees.next()??;
    callees.all(|callee| callee == Some(first)).then_some(first)
}

/// The functions that report errors from these files, in order of address.
fn reporting(image: &Image, functions: &Functions, files: &[u64]) -> Vec<Known> {
    let sites = references::find(image, files);
    let ranges: BTreeMap<u64, u64> = sites
        .iter()
        .filter_map(|site| functions.containing(site.at))
        .map(|range| (range.start, range.end))
        .collect();
    ranges
        .into_iter()
        .map(|(start, end)| (start..end, profile(image, &(start..end), files)))
        .collect()
}

/// The only function whose reasons, in rising order, are like this.
fn only(known: &[Known], like: impl Fn(&[u32]) -> bool) -> Option<&Known> {
    let mut fitting = known.iter().filter(|(_, profile)| like(&reasons(profile)));
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}

fn reasons(profile: &Profile) -> Vec<u32> {
    profile.reasons(SSL).into_iter().collect()
}

fn has(reasons: &[u32], wanted: &[u32]) -> bool {
    wanted.iter().all(|reason| reasons.contains(reason))
}

/// `SSL_read` takes what `SSL_peek` shows. Only `SSL_peek` reports an error, so it is found first, unless the compiler has
/// put it into `SSL_read`; which in the source comes before it.
fn read(image: &Image, functions: &Functions, known: &[Known], reading: u64) -> Option<u64> {
    let peeks: Vec<u64> = known
        .iter()
        .filter(|(_, profile)| reasons(profile) == [NOT_FOR_QUIC] && profile.calls.contains(&reading))
        .map(|(range, _)| range.start)
        .collect();
    match *peeks {
        [peek] => Some(caller_nearby(image, functions, peek).unwrap_or(peek)),
        [read, _peek] => Some(read),
        _ => None,
    }
}

/// A function near by that calls this one.
fn caller_nearby(image: &Image, functions: &Functions, callee: u64) -> Option<u64> {
    let around = callee.saturating_sub(NEIGHBOURHOOD)..callee.saturating_add(NEIGHBOURHOOD);
    functions
        .within(around)
        .find(|range| profile(image, range, &[]).calls.contains(&callee))
        .map(|range| range.start)
}
