//! What the server answers instead of an object.

use serde_json::{Value, json};

/// A `Status` of failure.
pub(super) fn failure(code: u16, message: &str, retry_after: Option<u32>) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason(code), "code": code,
        "details": retry_after.map_or(json!({}), |seconds| json!({"retryAfterSeconds": seconds})),
    })
}

fn reason(code: u16) -> &'static str {
    match code {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        410 => "Expired",
        422 => "Invalid",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    }
}
