//! The shapes of what is sent, as `OpenAPI` describes them where the type that reads it cannot: records, which the record
//! crate reads, and texts of a form. What a shape allows and a record's own rules do not is answered with 422.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Bytes as they are, such as an Arrow stream or a file.
pub(crate) struct Bytes;

impl PartialSchema for Bytes {
    fn schema() -> RefOr<Schema> {
        let bytes = ObjectBuilder::new().schema_type(Type::String);
        bytes
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .build()
            .into()
    }
}

impl ToSchema for Bytes {
    fn name() -> Cow<'static, str> {
        "Bytes".into()
    }
}

macro_rules! texts {
    ($($(#[doc = $doc:literal])* $name:ident $pattern:literal;)+) => {
        $($(#[doc = $doc])*
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String);
                text.description(Some(concat!($($doc),*).trim()))
                    .pattern(Some($pattern))
                    .build()
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        })+
    };
}

texts! {
    /// A place in a record, as a JSON Pointer.
    Place r"^(/([^~/]|~[01])*)+$";
    /// The name of a ledger: lower-case letters, digits, - and _.
    LedgerName r"^[a-z0-9][a-z0-9_-]{0,62}$";
    /// RFC 3339, with at most nine digits of a second. Without an offset it is taken for UTC.
    Time r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})?$";
}

/// A record, as docs/format.md section 5 has it: a decision with its model and at least one of input, output and decision,
/// or a record that refers to one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "model": {"name": "credit", "version": "3"}, "input": {"age": 30}, "output": {"score": 0.61}, "decision": "deny",
    "subject": "applicant-7"
}))]
#[allow(dead_code, reason = "read by the description of the API alone")]
pub(crate) struct NewRecord {
    /// Key of idempotency: the same record with the same id is recorded once. One is made up where there is none.
    #[schema(required = false, min_length = 1, max_length = 128)]
    id: String,
    #[schema(required = false, inline)]
    kind: Kind,
    /// When it was decided, or happened; when it was recorded, where there is none.
    #[schema(required = false, value_type = Time)]
    time: String,
    /// Another name for time.
    #[schema(required = false, value_type = Time)]
    timestamp: String,
    #[schema(required = false, inline)]
    model: Model,
    /// Another name for the version of the model.
    #[schema(required = false, max_length = 1024)]
    model_version: String,
    #[schema(required = false, value_type = Value)]
    input: serde_json::Value,
    #[schema(required = false, value_type = Value)]
    output: serde_json::Value,
    #[schema(required = false, max_length = 1024)]
    decision: String,
    #[schema(required = false)]
    score: f64,
    /// Whom it is about.
    #[schema(required = false, max_length = 1024)]
    subject: String,
    #[schema(required = false, value_type = Object)]
    parameters: serde_json::Value,
    #[schema(required = false, value_type = Object)]
    explanation: serde_json::Value,
    #[schema(required = false, inline)]
    data: Data,
    #[schema(required = false, inline)]
    actor: Actor,
    #[schema(required = false, inline)]
    automation: Automation,
    #[schema(required = false, inline)]
    context: Context,
    #[schema(required = false, inline)]
    source: Source,
    #[schema(required = false, inline)]
    attachments: Vec<AttachmentRef>,
    /// Id of the record that this one is about.
    #[schema(required = false, min_length = 1, max_length = 1024)]
    refers_to: String,
    /// Only in records of the kind outcome, as with those below.
    #[schema(required = false, value_type = Object)]
    outcome: serde_json::Value,
    #[schema(required = false, inline)]
    review: Review,
    #[schema(required = false, value_type = Object)]
    notice: serde_json::Value,
    #[schema(required = false, value_type = Object)]
    correction: serde_json::Value,
    #[schema(required = false, value_type = Object)]
    config: serde_json::Value,
    #[schema(required = false, value_type = Object)]
    gap: serde_json::Value,
}

/// `decision` where there is none.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "read by the description of the API alone")]
enum Kind {
    Decision,
    Outcome,
    Review,
    Explanation,
    Notice,
    Correction,
    Model,
    Config,
    Gap,
}

/// A name, or an object with name, version, digest.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "read by the description of the API alone")]
enum Model {
    Name(String),
    Parts {
        #[schema(required = false, max_length = 1024)]
        name: String,
        #[schema(required = false, max_length = 1024)]
        version: String,
        #[schema(required = false, max_length = 1024)]
        digest: String,
        #[schema(required = false, max_length = 1024)]
        framework: String,
    },
}

#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "read by the description of the API alone")]
enum Data {
    Object(BTreeMap<String, serde_json::Value>),
    Array(Vec<serde_json::Value>),
}

#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "read by the description of the API alone")]
enum Actor {
    Name(String),
    Object(BTreeMap<String, serde_json::Value>),
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "read by the description of the API alone")]
enum Automation {
    Sole,
    Assisted,
    Human,
}

/// What is your own.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "read by the description of the API alone")]
struct Context {
    #[schema(required = false, max_length = 1024)]
    trace_id: String,
}

#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "read by the description of the API alone")]
struct Source {
    #[schema(min_length = 1, max_length = 1024)]
    name: String,
    #[schema(min_length = 1, max_length = 1024)]
    run: String,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    seq: u64,
}

#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "read by the description of the API alone")]
struct AttachmentRef {
    name: String,
    media_type: String,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    size: u64,
    #[schema(pattern = "^sha256:[0-9a-f]{64}$")]
    digest: String,
}

#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "read by the description of the API alone")]
struct Review {
    #[schema(inline)]
    action: Action,
    #[schema(min_length = 1)]
    who: String,
    #[schema(min_length = 1)]
    role: String,
    #[schema(min_length = 1)]
    reason: String,
    /// The decision in force, as whoever reviewed it saw it; an override needs it.
    #[schema(required = false)]
    before: String,
    /// The decision from now on; an override needs it.
    #[schema(required = false)]
    after: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "read by the description of the API alone")]
enum Action {
    Confirm,
    Override,
    Reverse,
    Refer,
}
