//! The description of the API, made from the handlers.

/// The `OpenAPI` 3.1 document, as it is checked in and served.
pub fn document() -> String {
    let (_, openapi) = crate::api::router().split_for_parts();
    let mut text = openapi.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
