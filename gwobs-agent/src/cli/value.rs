//! Values of options that are more than text or a number.

use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use gwobs_route::ObjectName;
use gwobs_route::profile::Profile;

/// `LISTENER_PORT=LOCAL_PORT`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortPair {
    /// Port of the Gateway's listener.
    pub listener: u16,
    /// Port that the data plane binds for it.
    pub local: u16,
}

impl FromStr for PortPair {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected LISTENER_PORT=LOCAL_PORT, for example 80=10080";
        let (listener, local) = text.split_once('=').ok_or(EXPECTED)?;
        let port = |text: &str| text.parse().ok().filter(|port| *port > 0).ok_or(EXPECTED);
        Ok(Self {
            listener: port(listener)?,
            local: port(local)?,
        })
    }
}

/// `NAMESPACE/NAME`
pub(crate) fn object_name(text: &str) -> Result<ObjectName, &'static str> {
    let whole = |part: &&str| !part.is_empty() && !part.contains('/');
    match text.split_once('/') {
        Some((namespace, name)) if [namespace, name].iter().all(whole) => Ok(ObjectName {
            namespace: namespace.into(),
            name: name.into(),
        }),
        _ => Err("expected NAMESPACE/NAME, for example infra/web"),
    }
}

/// A profile by its name; help and errors list the names.
pub(super) fn profile() -> impl TypedValueParser<Value = Profile> {
    let names = PossibleValuesParser::new(Profile::ALL.map(Profile::as_str));
    names.map(|name| Profile::from_name(&name).unwrap_or_default())
}

/// Seconds, whole or not.
pub(crate) fn seconds(text: &str) -> Result<Duration, &'static str> {
    /// Ten years: longer ones are mistakes, and would overflow sums with times.
    const MOST: f64 = 315_360_000.0;
    let seconds: f64 = text.parse().map_err(|_| "expected seconds, for example 2 or 0.5")?;
    if (0.0..=MOST).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("out of range")
    }
}

/// Size of the ring buffer in KiB: a power of two, at least a page.
pub(super) fn ring_buffer(text: &str) -> Result<u32, &'static str> {
    /// One page of any architecture's size to the largest that fits the kernel's 32-bit size.
    const SIZES: std::ops::RangeInclusive<u32> = 64..=1 << 20;
    let size: u32 = text.parse().map_err(|_| "expected KiB, for example 16384")?;
    if size.is_power_of_two() && SIZES.contains(&size) {
        Ok(size)
    } else {
        Err("expected a power of two from 64 to 1048576")
    }
}
