//! Media types: what a body is, and which form of an answer is asked for.

use axum::http::{HeaderMap, header};

use crate::problem::{Code, Problem};

pub(super) const JSON: &str = "application/json";
pub(super) const NDJSON: &str = "application/x-ndjson";
pub(super) const ARROW: &str = "application/vnd.apache.arrow.stream";
pub(super) const CSV: &str = "text/csv";
pub(super) const HTML: &str = "text/html";

/// The media type of the body, in lower case, without parameters; empty if none is given.
pub(super) fn content_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    essence(value)
}

pub(super) fn is_json(headers: &HeaderMap) -> bool {
    content_type(headers) == JSON
}

/// The first of `forms` that the request accepts; the first of all where it says nothing.
///
/// # Errors
/// [`Code::NotAcceptable`].
pub(super) fn accepted(
    headers: &HeaderMap,
    forms: &[&'static str],
) -> Result<&'static str, Problem> {
    let first = forms.first().copied().unwrap_or(JSON);
    let Some(accept) = headers.get(header::ACCEPT) else {
        return Ok(first);
    };
    let accept = accept.to_str().unwrap_or_default();
    let mut wanted: Vec<(&str, f32)> = accept.split(',').map(with_quality).collect();
    wanted.retain(|(_, quality)| *quality > 0.0);
    wanted.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let found = wanted.iter().find_map(|(range, _)| {
        let range = essence(range);
        forms.iter().copied().find(|form| {
            range == *form
                || range == "*/*"
                || range
                    .strip_suffix('*')
                    .is_some_and(|prefix| prefix.ends_with('/') && form.starts_with(prefix))
        })
    });
    found.ok_or_else(|| {
        Problem::new(
            Code::NotAcceptable,
            format!("this can be given as {}", forms.join(", ")),
        )
        .at("accept")
    })
}

fn essence(value: &str) -> String {
    let (essence, _) = value.split_once(';').unwrap_or((value, ""));
    essence.trim().to_ascii_lowercase()
}

fn with_quality(range: &str) -> (&str, f32) {
    let quality = range
        .split(';')
        .skip(1)
        .find_map(|parameter| parameter.trim().strip_prefix("q="))
        .and_then(|quality| quality.trim().parse().ok())
        .unwrap_or(1.0);
    (range, quality)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn choice(accept: &'static str) -> Option<&'static str> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
        accepted(&headers, &[JSON, NDJSON, CSV]).ok()
    }

    #[test]
    fn the_form_is_what_is_accepted_best() {
        assert_eq!(
            accepted(&HeaderMap::new(), &[NDJSON, JSON]).ok(),
            Some(NDJSON)
        );
        assert_eq!(choice("*/*"), Some(JSON));
        assert_eq!(choice("text/html, text/csv;q=0.9, */*;q=0.1"), Some(CSV));
        assert_eq!(choice("text/*"), Some(CSV));
        assert_eq!(
            choice("application/json;q=0, application/x-ndjson"),
            Some(NDJSON)
        );
        assert_eq!(choice("image/png"), None);
    }
}
