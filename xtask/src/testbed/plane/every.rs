//! Tests that run once with each data plane.

/// Makes a test of each of these functions for each data plane, named `PLANE::FUNCTION`. The functions take a
/// `&'static dyn DataPlane` and return an `anyhow::Result<()>`.
#[macro_export]
macro_rules! on_every_plane {
    ($($scenario:ident),+ $(,)?) => {
        $crate::on_plane!(envoy, $($scenario),+);
        $crate::on_plane!(nginx, $($scenario),+);
        $crate::on_plane!(haproxy, $($scenario),+);
        $crate::on_plane!(traefik, $($scenario),+);
    };
}

/// The same with one data plane; `_` stands for `-` in its name.
#[macro_export]
macro_rules! on_plane {
    ($plane:ident, $($scenario:ident),+ $(,)?) => {
        mod $plane {
            $(
                #[test]
                fn $scenario() -> anyhow::Result<()> {
                    let name = stringify!($plane).replace('_', "-");
                    super::$scenario($crate::testbed::plane::named(&name)?)
                }
            )+
        }
    };
}
