//! The server's own traces: one span a request, sent as OTLP over HTTP in JSON where a collector is named. Off otherwise.
//!
//! Telling about requests never slows them: spans that cannot be sent are dropped and counted.

use std::time::Duration;

use jiff::Timestamp;
use openidconnect::reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::metrics::Metrics;

/// Spans that wait to be sent.
const QUEUE: usize = 4096;
/// Most spans of one message, and how long they wait for each other.
const BATCH_MAX: usize = 512;
const BATCH_WAIT: Duration = Duration::from_secs(2);
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// One request, answered.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// 32 hexadecimal digits: the caller's trace, or one of its own.
    pub(crate) trace_id: String,
    /// 16 hexadecimal digits: the caller's span, if it named one.
    pub(crate) parent_id: Option<String>,
    pub(crate) name: String,
    pub(crate) end: Timestamp,
    pub(crate) took: Duration,
    pub(crate) status: u16,
    pub(crate) request_id: String,
}

/// Sends spans to a collector.
#[derive(Clone, Debug)]
pub(crate) struct Exporter {
    spans: mpsc::Sender<Span>,
}

impl Exporter {
    /// Starts sending to `<endpoint>/v1/traces`. Called inside a tokio runtime.
    pub(crate) fn start(endpoint: &str) -> Self {
        let (spans, waiting) = mpsc::channel(QUEUE);
        let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        tokio::spawn(run(url, waiting));
        Self { spans }
    }

    pub(crate) fn send(&self, span: Span, metrics: &Metrics) {
        if self.spans.try_send(span).is_err() {
            metrics.spans_dropped.inc();
        }
    }
}

async fn run(url: String, mut waiting: mpsc::Receiver<Span>) {
    let client = match Client::builder().timeout(SEND_TIMEOUT).build() {
        Ok(client) => client,
        Err(error) => {
            tracing::warn!(%error, "traces cannot be sent");
            return;
        }
    };
    while let Some(first) = waiting.recv().await {
        let mut batch = vec![first];
        let gathered = tokio::time::timeout(BATCH_WAIT, async {
            while batch.len() < BATCH_MAX {
                match waiting.recv().await {
                    Some(span) => batch.push(span),
                    None => break,
                }
            }
        });
        let _ = gathered.await;
        let body = message(&batch).to_string();
        let sent = client
            .post(&url)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .and_then(openidconnect::reqwest::Response::error_for_status);
        if let Err(error) = sent {
            tracing::warn!(%error, spans = batch.len(), "traces were not taken");
        }
    }
}

/// `ExportTraceServiceRequest` in the JSON form of OTLP 1.x: ids in hexadecimal, times as texts of nanoseconds.
fn message(spans: &[Span]) -> Value {
    let spans: Vec<Value> = spans.iter().map(span).collect();
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    json!({"resourceSpans": [{
        "resource": {"attributes": [
            text("service.name", "causebook"),
            text("service.version", env!("CARGO_PKG_VERSION")),
        ]},
        "scopeSpans": [{"scope": {"name": "causebook.http"}, "spans": spans}],
    }]})
}

fn span(span: &Span) -> Value {
    const KIND_SERVER: u8 = 2;
    const STATUS_ERROR: u8 = 2;
    let end = span.end.as_nanosecond();
    let start = end - i128::try_from(span.took.as_nanos()).unwrap_or(0);
    let status = if span.status >= 500 {
        json!({"code": STATUS_ERROR})
    } else {
        json!({})
    };
    json!({
        "traceId": span.trace_id,
        "spanId": random_hex(8),
        "parentSpanId": span.parent_id.clone().unwrap_or_default(),
        "name": span.name,
        "kind": KIND_SERVER,
        "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": end.to_string(),
        "status": status,
        "attributes": [
            {"key": "http.response.status_code", "value": {"intValue": span.status.to_string()}},
            {"key": "causebook.request_id", "value": {"stringValue": span.request_id}},
        ],
    })
}

/// So many random bytes in hexadecimal.
pub(crate) fn random_hex(count: usize) -> String {
    use std::fmt::Write as _;
    let mut bytes = [0; 16];
    // Without randomness zeros still tell which answer belongs to which line of the log.
    let _ = getrandom::fill(&mut bytes);
    let mut text = String::with_capacity(count * 2);
    for byte in bytes.iter().take(count) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_as_otlp_says_it() {
        let told = message(&[Span {
            trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
            parent_id: Some("b7ad6b7169203331".to_owned()),
            name: "GET /healthz".to_owned(),
            end: "2026-11-23T12:00:00.5Z".parse().unwrap(),
            took: Duration::from_millis(250),
            status: 503,
            request_id: "r".to_owned(),
        }]);
        let span = &told["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(span["startTimeUnixNano"], "1795435200250000000");
        assert_eq!(span["endTimeUnixNano"], "1795435200500000000");
        assert_eq!(span["parentSpanId"], "b7ad6b7169203331");
        assert_eq!(
            (
                &span["status"]["code"],
                span["spanId"].as_str().unwrap().len()
            ),
            (&json!(2), 16)
        );
    }
}
