//! The shapes of answers, as `OpenAPI` describes them, and the problems that every path may answer with.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};

/// What every operation may answer with instead of what it is for.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "read by the description of the API alone")]
pub(crate) enum Refusals {
    /// Something sent is not what it should be.
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(ProblemBody),
    /// Who is asking is not known.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(ProblemBody),
    /// Whoever is asking may not do this.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemBody),
    /// There is no such thing.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(ProblemBody),
    /// None of the accepted forms can be given.
    #[response(status = 406, content_type = "application/problem+json")]
    NotAcceptable(ProblemBody),
    /// The request took too long to arrive.
    #[response(status = 408, content_type = "application/problem+json")]
    RequestTimeout(ProblemBody),
    /// It contradicts what is there.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(ProblemBody),
    /// There is too much of it.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemBody),
    /// The body's form is not read here.
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(ProblemBody),
    /// It can be read, and is not valid.
    #[response(status = 422, content_type = "application/problem+json")]
    Unprocessable(ProblemBody),
    /// Too many requests.
    #[response(status = 429, content_type = "application/problem+json")]
    TooManyRequests(ProblemBody),
    /// It cannot be done now.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemBody),
    /// It is recorded, and not proven in time.
    #[response(status = 504, content_type = "application/problem+json")]
    Late(ProblemBody),
}

/// A problem, as RFC 9457 has it.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[allow(dead_code, reason = "read by the description of the API alone")]
pub(crate) struct ProblemBody {
    /// A page on this server that explains it.
    r#type: String,
    title: String,
    status: u16,
    /// Stable name.
    code: String,
    detail: String,
    request_id: String,
    /// What to do about it.
    hint: Option<String>,
    errors: Option<Vec<FaultBody>>,
}

/// One fault.
#[derive(ToSchema)]
#[schema(as = Fault)]
#[allow(dead_code, reason = "read by the description of the API alone")]
pub(crate) struct FaultBody {
    /// JSON Pointer into the body, or the name of a parameter or header.
    pointer: String,
    detail: String,
}

macro_rules! bodies {
    ($($(#[doc = $doc:literal])* $name:ident as $schema:ident { $($(#[doc = $field_doc:literal])* $field:ident: $type:ty,)* })+) => {
        $($(#[doc = $doc])*
        #[derive(ToSchema)]
        #[schema(as = $schema)]
        #[allow(dead_code, reason = "read by the description of the API alone")]
        pub(crate) struct $name { $($(#[doc = $field_doc])* $field: $type,)* })+
    };
}

bodies! {
    /// A receipt: the record is on stable storage, with its place fixed.
    ReceiptBody as Receipt {
        id: String,
        /// Position in the log, from 0.
        index: u64,
        /// The record's digest, which is its leaf: 64 hexadecimal digits.
        digest: String,
        /// The record was here already.
        repeated: bool,
    }
    /// Records of one page.
    ListBody as RecordList {
        /// The size of the log that was looked at.
        as_of: u64,
        records: Vec<RecordBody>,
        /// Where to go on; null at the end.
        next: Option<String>,
    }
    /// Linked records, by index.
    HistoryBody as History {
        as_of: u64,
        records: Vec<RecordBody>,
    }
    /// A ledger.
    LedgerBody as Ledger {
        name: String,
        /// Name under which its checkpoints are signed.
        origin: String,
        created: String,
        /// Records acknowledged.
        size: u64,
        /// Records that have moved to the table.
        in_table: u64,
        /// Verifier keys of its checkpoints.
        keys: Vec<String>,
        checkpoint: Option<CheckpointBody>,
    }
    /// Ledgers, by name.
    LedgersBody as Ledgers { ledgers: Vec<LedgerBody>, }
    /// A signed checkpoint.
    CheckpointBody as Checkpoint {
        size: u64,
        /// Root of the tree, base64.
        root: String,
        /// When it was signed, Unix seconds.
        time: Option<u64>,
    }
    /// An attachment that is stored.
    AttachmentBody as Attachment {
        /// `sha256:` and 64 hexadecimal digits.
        digest: String,
        size: u64,
    }
    /// An erasure that was done.
    ErasedBody as Erased {
        id: String,
        index: u64,
        /// `payload`, or the places that were erased.
        erased: serde_json::Value,
        /// Receipt of the record of the act.
        receipt: ReceiptBody,
        facts_erased: u64,
        /// Facts whose values are too short to be searched for.
        not_searched: u64,
        /// Bytes of files that were searched for the erased values.
        bytes_searched: u64,
        /// Files outside the table that still hold an erased value.
        found_in_files: Vec<String>,
        /// Other records that hold one of the erased values as their own.
        found_in_records: u64,
    }
    /// Counts by the values of fields.
    FacetsBody as Facets {
        as_of: u64,
        matched: u64,
        facets: Vec<FacetBody>,
    }
    /// Counts by the values of one field.
    FacetBody as Facet {
        field: String,
        values: Vec<FacetValueBody>,
        /// Records with values that are not listed.
        other: u64,
    }
    /// How often a value occurs.
    FacetValueBody as FacetValue {
        value: String,
        count: u64,
    }
    /// Counts over time.
    HistogramBody as Histogram {
        as_of: u64,
        from: String,
        to: String,
        /// Length of an interval, in seconds.
        step_s: u64,
        series: Vec<SeriesBody>,
    }
    /// Counts over time of one value.
    SeriesBody as Series {
        /// `all`, `value`, `other` (values without a series of their own) or `absent` (no value).
        of: String,
        value: Option<String>,
        counts: Vec<u64>,
    }
    /// Why a decision came out as it did: docs/why.md has every member. A part is there with `basis` and `content`, or says why
    /// it is `absent`.
    WhyBody as Why {
        /// `causebook.why/1`
        format: String,
        ledger: String,
        id: String,
        index: u64,
        time: String,
        /// Records in the ledger when the answer was made.
        as_of: u64,
        model: serde_json::Value,
        outcome: serde_json::Value,
        replay: serde_json::Value,
        reasons: serde_json::Value,
        /// Recorded ones first, then recomputed ones.
        attributions: Vec<serde_json::Value>,
        counterfactuals: serde_json::Value,
        contrast: serde_json::Value,
        unusual: serde_json::Value,
        conversation: serde_json::Value,
        provenance: serde_json::Value,
        acts: serde_json::Value,
        proof: serde_json::Value,
        /// What this reader is not shown, and why.
        withheld: Option<Vec<serde_json::Value>>,
    }
    /// Versions of models.
    ModelsBody as Models { models: Vec<ModelBody>, }
    /// A version of a model that is registered, or that decisions name.
    ModelBody as Model {
        name: String,
        version: String,
        /// Digest of the artefact.
        digest: Option<String>,
        /// Id of the record that registers it.
        registered_by: Option<String>,
        /// Format of the artefact, if it is run.
        format: Option<String>,
        seen: ModelSeenBody,
        /// What does not fit, in sentences.
        warnings: Vec<String>,
    }
    /// Decisions that name a version.
    ModelSeenBody as ModelSeen {
        decisions: u64,
        /// Index of the first.
        first: u64,
        /// Index of the last.
        last: u64,
    }
    /// What came of replays.
    ReplayedBody as Replayed {
        decisions: u64,
        /// How many have each verdict.
        verdicts: std::collections::BTreeMap<String, u64>,
        /// The largest difference between a recorded and a recomputed number.
        max_difference: Option<f64>,
        /// Why decisions could not be replayed, and how many.
        reasons: Option<std::collections::BTreeMap<String, u64>>,
        /// The decisions with the worst verdicts.
        worst: Option<Vec<serde_json::Value>>,
        /// What ran them.
        engine: String,
    }
    /// Rows that a statement gave.
    AnswerBody as Answer {
        columns: Vec<ColumnBody>,
        rows: Vec<serde_json::Value>,
        /// There were more rows than asked for.
        truncated: bool,
    }
    /// A column of an answer.
    ColumnBody as Column {
        name: String,
        r#type: String,
    }
    /// A consistency proof.
    ConsistencyBody as Consistency {
        from: u64,
        to: u64,
        /// Base64.
        from_root: String,
        /// Base64.
        to_root: String,
        /// Hashes, base64.
        proof: Vec<String>,
    }
    /// What capture streams sent.
    CompletenessBody as Completeness {
        as_of: u64,
        streams: Vec<StreamBody>,
        orphans: OrphansBody,
        /// Records whose source was erased.
        erased: u64,
    }
    /// One capture stream.
    StreamBody as Stream {
        source: String,
        run: String,
        records: u64,
        first_seq: u64,
        last_seq: u64,
        distinct: u64,
        gaps: Vec<GapBody>,
        gaps_total: u64,
        missing: u64,
        late: u64,
        repeated_seq: u64,
        last_at: Option<String>,
    }
    /// Numbers that did not come.
    GapBody as Gap {
        from: u64,
        to: u64,
        /// When the first record with a higher number was recorded.
        since: Option<String>,
    }
    /// Records without what they belong to.
    OrphansBody as Orphans {
        missing_target: u64,
        intent_without_outcome: u64,
        examples: Vec<String>,
    }
    /// A verification.
    VerifyReportBody as VerifyReport {
        intact: bool,
        ledger: String,
        records_stored: u64,
        records_checked: u64,
        erased_in_part: u64,
        erased_in_whole: u64,
        beyond_checkpoint: u64,
        findings_total: u64,
        findings: Vec<FindingBody>,
    }
    /// What is wrong, and where.
    FindingBody as Finding {
        fault: String,
        index: Option<u64>,
        id: Option<String>,
        what: String,
    }
    /// Who you are to this server.
    MeBody as Me {
        principal: String,
        via: String,
        /// Roles by ledger.
        roles: std::collections::BTreeMap<String, Vec<String>>,
        /// Masked members by ledger.
        masks: std::collections::BTreeMap<String, Vec<String>>,
    }
    /// Tokens, without their texts.
    TokensBody as Tokens { tokens: Vec<TokenBody>, }
    /// A token, without its text.
    TokenBody as Token {
        id: String,
        name: String,
        roles: Vec<String>,
        /// Names of the ledgers it is for, or `*` for all.
        ledgers: serde_json::Value,
        created: String,
        created_by: String,
        expires: String,
        last_used: Option<String>,
        revoked: Option<String>,
    }
}

/// A record as it is shown: its members, preceded by its index; masked places are listed.
#[derive(ToSchema)]
#[schema(as = Record)]
#[allow(dead_code, reason = "read by the description of the API alone")]
pub(crate) struct RecordBody {
    index: u64,
    id: Option<String>,
    kind: Option<String>,
    /// Pointers of members that your roles see masked.
    masked: Option<Vec<String>>,
    /// Facts that are erased.
    erased_facts: Option<u64>,
    /// All content is erased.
    erased: Option<bool>,
}

/// An evidence file, as docs/format.md section 8 has it.
#[derive(ToSchema)]
#[schema(as = Evidence)]
#[allow(dead_code, reason = "read by the description of the API alone")]
pub(crate) struct EvidenceBody {
    format: String,
    origin: String,
    checkpoint: String,
    keys: Vec<String>,
    records: Vec<serde_json::Value>,
}

/// What one record is answered with.
#[derive(ToSchema)]
#[schema(as = Recorded)]
#[serde(untagged)]
#[allow(dead_code, reason = "read by the description of the API alone")]
pub(crate) enum RecordedBody {
    /// Without `wait`.
    Receipt(ReceiptBody),
    /// With `wait=proof`.
    Evidence(EvidenceBody),
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Causebook", description = "The audit trail for model decisions: captured, proven, explained. Errors are RFC 9457 problems; every one has a page on the server."),
    modifiers(&Ways),
    tags(
        (name = "records", description = "Decisions, and what refers to them"),
        (name = "why", description = "Why decisions came out as they did, and the models that made them"),
        (name = "proofs", description = "What anyone can check"),
        (name = "attachments", description = "Files beside a ledger"),
        (name = "ledgers", description = "The books themselves"),
        (name = "access", description = "Who may do what"),
        (name = "operation", description = "Running the server"),
    ),
    security(("token" = []), ("session" = [])),
)]
struct Description;

/// The ways to say who is asking.
struct Ways;

impl Modify for Ways {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_with(Default::default);
        let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("token", token);
        let cookie = ApiKey::Cookie(ApiKeyValue::new("__Host-causebook"));
        components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    }
}

/// What stands above the paths.
pub(super) fn info() -> utoipa::openapi::OpenApi {
    Description::openapi()
}
