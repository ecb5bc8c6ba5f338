//! TLS records of one direction: whatever the cuts, the ClientHello is the same.

use gwobs_http::tls::{Records, Seen};

use crate::input::{Input, halve};

/// One input.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (mut whole, mut cut) = (Records::default(), Records::default());
    while !input.is_empty() {
        let call = input.call();
        let parts = halve(&call).map(|part| cut.take(part));
        let seen = whole.take(call);
        let joined = parts.into_iter().fold(Seen::default(), |all, part| Seen {
            hello: part.hello.or(all.hello),
            alert: part.alert.or(all.alert),
            application_data: all.application_data || part.application_data,
            is_foreign: all.is_foreign || part.is_foreign,
        });
        assert_eq!(seen, joined, "cuts do not matter");
    }
}
