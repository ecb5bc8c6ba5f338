//! Images that are cut, changed, or nothing at all.

use proptest::prelude::*;

use super::assembler::{BOTH, Machine};
use super::stripped::{Program, go};
use crate::tls::{Image, find};

/// Whatever it answers: it answers.
fn search(bytes: Vec<u8>) {
    if let Ok(image) = Image::from_bytes(bytes) {
        let _ = find(&image);
    }
}

fn images() -> impl Strategy<Value = Vec<u8>> {
    let openssl = |machine| {
        let mut program = Program::new(machine);
        let file = program.parts.text("ssl/ssl_lib.c");
        for name in ["SSL_read", "SSL_write"] {
            let name = program.parts.text(name);
            program.function(|code| {
                code.take(2, name).take(0, file);
            });
        }
        program.image()
    };
    let all: Vec<Vec<u8>> = BOTH
        .into_iter()
        .flat_map(|machine: Machine| [openssl(machine), go(machine).0])
        .collect();
    prop::sample::select(all)
}

proptest! {
    #[test]
    fn a_cut_image(image in images(), share in 0.0..1.0f64) {
        let length = image.len() as f64 * share;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
        search(image[..length as usize].to_vec());
    }

    #[test]
    fn a_changed_image(image in images(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let mut image = image;
        for (index, value) in changes {
            let at = index.index(image.len());
            image[at] = value;
        }
        search(image);
    }

    /// Headers and the table of functions are what a search believes.
    #[test]
    fn a_changed_header(image in images(), changes in prop::collection::vec((0..0x140usize, any::<u8>()), 1..4)) {
        let mut image = image;
        for (at, value) in changes {
            image[at] = value;
        }
        search(image);
    }

    #[test]
    fn no_image(bytes: Vec<u8>) {
        search(bytes.clone());
        search([b"\x7fELF\x02\x01\x01".to_vec(), bytes].concat());
    }
}
