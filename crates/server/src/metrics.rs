//! What the server tells about itself to Prometheus. Names follow its conventions: one prefix, base units, `_total`.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    path: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct IngestLabels {
    ledger: String,
    result: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PathLabel {
    path: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct LedgerLabel {
    ledger: String,
}

/// Counters, gauges and histograms.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<PathLabel, Histogram>,
    commits: Family<LedgerLabel, Histogram>,
    ingest: Family<IngestLabels, Counter>,
    sizes: Family<LedgerLabel, Gauge>,
    checkpoint_sizes: Family<LedgerLabel, Gauge>,
    checkpoint_ages: Family<LedgerLabel, Gauge>,
    verify_failures: Family<LedgerLabel, Counter>,
    attachment_failures: Family<LedgerLabel, Counter>,
    authentication_failures: Family<ReasonLabel, Counter>,
    gaps: Family<LedgerLabel, Gauge>,
    pub(crate) connections: Gauge,
    pub(crate) tails: Gauge,
    pub(crate) tail_skipped: Counter,
    pub(crate) spans_dropped: Counter,
}

/// From half a millisecond to half a minute.
fn durations() -> Histogram {
    Histogram::new([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    ])
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("causebook"),
            requests: Family::default(),
            durations: Family::new_with_constructor(durations),
            commits: Family::new_with_constructor(durations),
            ingest: Family::default(),
            sizes: Family::default(),
            checkpoint_sizes: Family::default(),
            checkpoint_ages: Family::default(),
            verify_failures: Family::default(),
            attachment_failures: Family::default(),
            authentication_failures: Family::default(),
            gaps: Family::default(),
            connections: Gauge::default(),
            tails: Gauge::default(),
            tail_skipped: Counter::default(),
            spans_dropped: Counter::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "Version that is running", build);
        registry.register("http_requests", "Requests answered", self.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request to the head of its answer, by path",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register_with_unit(
            "commit",
            "Time from a record's arrival to its receipt, or of a batch",
            Unit::Seconds,
            self.commits.clone(),
        );
        registry.register(
            "ingest_records",
            "Records received, by what came of them",
            self.ingest.clone(),
        );
        registry.register("tree_size", "Records acknowledged", self.sizes.clone());
        registry.register(
            "checkpoint_tree_size",
            "Records under the newest signed checkpoint",
            self.checkpoint_sizes.clone(),
        );
        registry.register_with_unit(
            "checkpoint_age",
            "Age of the newest signed checkpoint",
            Unit::Seconds,
            self.checkpoint_ages.clone(),
        );
        registry.register(
            "verify_failures",
            "Verifications that found something",
            self.verify_failures.clone(),
        );
        registry.register(
            "attachment_failures",
            "Attachments that were asked for and were not what their digest says, or could not be read to the end",
            self.attachment_failures.clone(),
        );
        registry.register(
            "authentication_failures",
            "Requests whose token or session was refused, by the reason",
            self.authentication_failures.clone(),
        );
        registry.register(
            "open_gaps",
            "Gaps in the numbers of capture streams, as last counted",
            self.gaps.clone(),
        );
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register("tails", "Live tails", self.tails.clone());
        registry.register(
            "spans_dropped",
            "Spans of its own that could not be sent",
            self.spans_dropped.clone(),
        );
        registry.register(
            "tail_skipped_records",
            "Records that live tails skipped because their readers were slow",
            self.tail_skipped.clone(),
        );
    }

    pub(crate) fn request(&self, method: &Method, path: &str, status: u16, took: Duration) {
        let labels = RequestLabels {
            method: known_method(method),
            path: path.to_owned(),
            status,
        };
        self.requests.get_or_create(&labels).inc();
        let label = PathLabel {
            path: path.to_owned(),
        };
        self.durations
            .get_or_create(&label)
            .observe(took.as_secs_f64());
    }

    /// Counts records of one ledger that ended in one way.
    pub(crate) fn ingested(&self, ledger: &str, result: &str, count: u64) {
        let labels = IngestLabels {
            ledger: ledger.to_owned(),
            result: result.to_owned(),
        };
        self.ingest.get_or_create(&labels).inc_by(count);
    }

    pub(crate) fn committed(&self, ledger: &str, took: Duration) {
        self.commits
            .get_or_create(&label(ledger))
            .observe(took.as_secs_f64());
    }

    pub(crate) fn verify_failed(&self, ledger: &str) {
        self.verify_failures.get_or_create(&label(ledger)).inc();
    }

    pub(crate) fn authentication_failed(&self, reason: &'static str) {
        self.authentication_failures
            .get_or_create(&ReasonLabel { reason })
            .inc();
    }

    pub(crate) fn attachment_failed(&self, ledger: &str) {
        self.attachment_failures.get_or_create(&label(ledger)).inc();
    }

    pub(crate) fn open_gaps(&self, ledger: &str, gaps: u64) {
        self.gaps
            .get_or_create(&label(ledger))
            .set(i64::try_from(gaps).unwrap_or(i64::MAX));
    }

    /// Everything as text, with the state of the ledgers as it is now.
    pub(crate) fn text(&self, books: &[Arc<crate::book::Book>], now: jiff::Timestamp) -> String {
        for book in books {
            let label = label(&book.name);
            let set = |family: &Family<LedgerLabel, Gauge>, value: u64| {
                let value = i64::try_from(value).unwrap_or(i64::MAX);
                family.get_or_create(&label).set(value);
            };
            set(&self.sizes, book.reader.size());
            if let Some(signed) = book.reader.checkpoint() {
                set(&self.checkpoint_sizes, signed.checkpoint.size);
                let seconds = u64::try_from(now.as_second()).unwrap_or(0);
                let age = signed.time.map_or(0, |time| seconds.saturating_sub(time));
                set(&self.checkpoint_ages, age);
            }
        }
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            let _ = writeln!(text, "# the metrics could not be written");
        }
        text
    }
}

/// A method as a label. HTTP lets a client make up its own, and a label is kept for ever.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn label(ledger: &str) -> LedgerLabel {
    LedgerLabel {
        ledger: ledger.to_owned(),
    }
}
