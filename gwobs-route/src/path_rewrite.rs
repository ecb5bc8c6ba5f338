//! The spec's table for replacing a path prefix (`HTTPPathModifier.replacePrefixMatch`).

/// `path` with the matched `prefix` replaced. Whole elements are replaced; a trailing `/` of either does not count; nothing
/// left is `/`. `None` if the path does not have the prefix.
pub(crate) fn with_prefix_replaced(path: &str, prefix: &str, replacement: &str) -> Option<String> {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    let replacement = replacement.strip_suffix('/').unwrap_or(replacement);
    let rest = path.strip_prefix(prefix)?;
    let whole_elements = rest.is_empty() || rest.starts_with('/');
    let replaced = format!("{replacement}{rest}");
    whole_elements.then(|| if replaced.is_empty() { "/".to_owned() } else { replaced })
}

#[cfg(test)]
mod tests {
    use super::with_prefix_replaced;

    #[test]
    fn table_of_the_spec() {
        for (path, prefix, replacement, expected) in [
            ("/foo/bar", "/foo", "/xyz", Some("/xyz/bar")),
            ("/foo/bar", "/foo", "/xyz/", Some("/xyz/bar")),
            ("/foo/bar", "/foo/", "/xyz", Some("/xyz/bar")),
            ("/foo/bar", "/foo/", "/xyz/", Some("/xyz/bar")),
            ("/foo", "/foo", "/xyz", Some("/xyz")),
            ("/foo/", "/foo", "/xyz", Some("/xyz/")),
            ("/foo/bar", "/foo", "", Some("/bar")),
            ("/foo/", "/foo", "", Some("/")),
            ("/foo", "/foo", "", Some("/")),
            ("/foo/", "/foo", "/", Some("/")),
            ("/foo", "/foo", "/", Some("/")),
            ("/anything", "/", "/xyz", Some("/xyz/anything")),
            ("/foobar", "/foo", "/xyz", None),
            ("/other", "/foo", "/xyz", None),
        ] {
            let replaced = with_prefix_replaced(path, prefix, replacement);
            assert_eq!(replaced.as_deref(), expected, "{path} {prefix} {replacement}");
        }
    }
}
