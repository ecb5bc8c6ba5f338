//! Paths of fields, as people and editors write them: `spec.rules[1].matches[0].headers[2]`.

pub(super) fn listener(index: usize) -> String {
    format!("spec.listeners[{index}]")
}

pub(super) fn parent(index: usize) -> String {
    format!("spec.parentRefs[{index}]")
}

pub(super) fn rule(index: usize) -> String {
    format!("spec.rules[{index}]")
}

pub(super) fn matched(rule: usize, matched: usize) -> String {
    format!("spec.rules[{rule}].matches[{matched}]")
}

pub(super) fn backend(rule: usize, backend: usize) -> String {
    format!("spec.rules[{rule}].backendRefs[{backend}]")
}

/// A dotted path with indices (`spec.rules.1.foo`) in this form.
pub(super) fn from_dotted(path: &str) -> String {
    let mut text = String::with_capacity(path.len() + 8);
    for segment in path.split('.') {
        if !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) {
            text.push('[');
            text.push_str(segment);
            text.push(']');
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(segment);
        }
    }
    text
}
