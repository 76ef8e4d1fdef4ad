//! What methods do, in words.

use prost_reflect::MethodDescriptor;

/// By full names, in order.
const COMMENTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/comments.rs"));

/// What a method does: the comment in its file, or its name where there is none.
pub fn about(method: &MethodDescriptor) -> &str {
    match COMMENTS.binary_search_by_key(&method.full_name(), |(name, _)| name) {
        Ok(found) => COMMENTS[found].1,
        Err(_) => method.name(),
    }
}

#[cfg(test)]
mod tests {
    use super::about;
    use crate::json::pool;

    #[test]
    fn every_method_has_a_sentence() {
        let mut seen = 0;
        for method in pool().services().flat_map(|s| s.methods().collect::<Vec<_>>()) {
            let text = about(&method);
            assert!(text.contains(' ') && text.ends_with('.'), "{}: {text}", method.full_name());
            seen += 1;
        }
        assert!(seen > 40);
    }
}
