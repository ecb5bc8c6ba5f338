//! Fields that are not understood: misspelled, or of a newer version than the gateway's.

use crate::lint::finding::Findings;
use crate::lint::world::World;
use crate::lint::{Code, field};

const WHY: &str = "this field, or its value, is not part of the API as gwobs knows it: an API server drops unknown fields \
                   in silence, and decisions that it may touch are not judged";
const MEND: &str = "check its spelling and place, and the version of the CRDs in the cluster";

pub(super) fn check(world: &World<'_>, out: &mut Findings) {
    // Of objects that could not be read at all it is told where they stand.
    for (object, meta) in world.all().filter(|(_, meta)| !meta.is_unread()) {
        for path in &meta.unknown {
            out.add(Code::FieldUnknown, object, field::from_dotted(path), WHY, MEND);
        }
    }
}
