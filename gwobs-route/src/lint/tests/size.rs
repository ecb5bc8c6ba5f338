//! Many objects.

use super::build::{exact, gateway, route, service};
use super::{found, passes};
use crate::lint::Code;
use crate::model::{Match, Object, Route};

/// Two thousand rules on one path, all of which may meet: more pairs than are compared.
#[test]
fn what_is_too_much_to_compare_is_told() {
    let many = |routes: usize| -> Vec<Object> {
        let own = |index: usize| -> Route {
            let one = |name: String| Match::default().header(exact(&name, "1"));
            (0..16).fold(route("shop", &format!("r{index}")), |route, rule| {
                route.matching(one(format!("h-{index}-{rule}")))
            })
        };
        let fixed = [gateway().into(), service("shop", "cart", 80).into()];
        fixed
            .into_iter()
            .chain((0..routes).map(|index| own(index).into()))
            .collect()
    };
    assert_eq!(found(Code::NotCompared, &many(100)).len(), 1);
    passes(Code::NotCompared, &many(10));
}
