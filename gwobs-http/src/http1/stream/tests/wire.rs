//! Driving the streams as a caller does.

use super::super::{Item, RequestStream, ResponseStream, Step};
use crate::{Chunk, RequestHead, ResponseHead};

/// All steps of some calls; each chunk is a call.
pub(super) fn requests(stream: &mut RequestStream, calls: &[Chunk]) -> Vec<Step<RequestHead>> {
    let mut steps = Vec::new();
    for call in calls {
        let mut call = call.clone();
        stream.begin_call();
        loop {
            match stream.next(&mut call) {
                Step::NeedMore => break,
                step => steps.push(step),
            }
        }
        assert!(call.is_empty(), "{call:?}");
    }
    steps
}

/// All steps of some calls that answer requests with these methods.
pub(super) fn responses(stream: &mut ResponseStream, methods: &[&str], calls: &[Chunk]) -> Vec<Step<ResponseHead>> {
    let mut steps = Vec::new();
    let mut methods = methods.iter();
    let mut method = methods.next();
    for call in calls {
        let mut call = call.clone();
        stream.begin_call();
        loop {
            match stream.next(&mut call, method.map(|method| method.as_bytes())) {
                Step::NeedMore => break,
                step => {
                    if step == Step::Item(Item::End) {
                        method = methods.next();
                    }
                    steps.push(step);
                }
            }
        }
        assert!(call.is_empty(), "{call:?}");
    }
    steps
}
