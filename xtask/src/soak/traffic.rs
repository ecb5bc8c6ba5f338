//! The traffic: all kinds of requests and bodies, over connections that are kept, used a few times or only once.

use super::Size;
use crate::testbed::client::{Client, Exchange, Mark};
use crate::testbed::http2::{self, Load};
use crate::testbed::tls::{HTTP2, connect};
use crate::testbed::traffic::{Case, mixed};
use crate::testbed::{Testbed, shop};
use anyhow::Result;
use std::sync::Arc;

/// Small requests for each bulky one: as traffic is, and a mebibyte takes long.
const SMALL_FOR_EACH_BULKY: usize = 7;
/// A quarter of the clients change their connection after so few requests.
const SHORT: usize = 3;
/// The others after so many.
const LONG: usize = 500;

/// So many cases, drawn from all kinds.
pub(super) fn cases(count: usize) -> Vec<Case> {
    let mut kinds = vec![shop::bulky_requests()];
    kinds.resize_with(1 + SMALL_FOR_EACH_BULKY, shop::requests);
    mixed(&kinds.concat(), count)
}

/// Sends them all; ids are in a header for most, and in the query for those on short connections.
pub(super) fn drive(client: &Client, cases: &[Case], size: Size) -> Result<Vec<Exchange>> {
    let (few, many) = cases.split_at(cases.len() / 4);
    let client = client.without_echo();
    let quarter = (size.concurrency / 4).max(1);
    let short = client.concurrency(quarter).per_connection(SHORT).mark(Mark::Query);
    let long = client
        .concurrency(size.concurrency.saturating_sub(quarter).max(1))
        .per_connection(LONG);
    std::thread::scope(|scope| {
        let short = scope.spawn(|| short.run(few));
        let mut exchanges = long.run(many)?;
        exchanges.extend(short.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        Ok(exchanges)
    })
}

/// Requests at a time on each connection that speaks HTTP/2.
const STREAMS: usize = 8;

/// Sends them all by HTTP/2, several at a time on each connection.
pub(super) fn drive_http2(bed: &Testbed, cases: &[Case], size: Size) -> Result<Vec<Exchange>> {
    let load = Load {
        connections: size.concurrency.div_ceil(STREAMS),
        streams: STREAMS,
    };
    let config = Arc::new(bed.authority.client_config(HTTP2)?);
    let address = bed.address();
    http2::drive(load, "https", cases, move || connect(address, Arc::clone(&config)))
}
