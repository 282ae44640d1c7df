//! The codes of problems: stable names, each with one status, a title, and what to do about it.

use axum::http::StatusCode;

macro_rules! codes {
    ($($variant:ident $name:literal $status:ident $title:literal $advice:literal;)+) => {
        /// A kind of problem. Its name is stable and never means something else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code { $($variant),+ }

        /// All of them, in the order of the documentation.
        pub(crate) const ALL: &[Code] = &[$(Code::$variant),+];

        impl Code {
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            pub(crate) fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            pub(crate) fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// What whoever meets it can do.
            pub(crate) fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice),+ }
            }
        }
    };
}

codes! {
    InvalidRecord "invalid-record" UNPROCESSABLE_ENTITY "The record is not valid"
        "Each of errors names the place, as a JSON Pointer, and what is wrong there. Nothing was recorded.";
    UnknownTarget "unknown-target" UNPROCESSABLE_ENTITY "What the record refers to is not in the ledger"
        "Record the decision first, or add ?allow_missing_target=true if it will come later: completeness then reports it until it does.";
    InvalidReview "invalid-review" UNPROCESSABLE_ENTITY "The review does not fit the decision it is about"
        "An override or reversal names the decision in force before and another one after it.";
    InvalidModel "invalid-model" UNPROCESSABLE_ENTITY "What is registered of the model cannot be used"
        "The detail names the member and what is wrong with it; docs/registration.md describes what a registration says.";
    InvalidBody "invalid-body" BAD_REQUEST "The body cannot be read"
        "Send what the Content-Type says, whole, and in the encoding that Content-Encoding says.";
    UnfitBody "unfit-body" UNPROCESSABLE_ENTITY "The body can be read, and does not fit"
        "Each of errors names the place, as a JSON Pointer: a place that the record does not have, a reason without a word.";
    InvalidParameter "invalid-parameter" BAD_REQUEST "A parameter is not what it should be"
        "Each of errors names the parameter. Parameters that nobody knows are refused, so that a slip is not passed over.";
    UnfitParameter "unfit-parameter" UNPROCESSABLE_ENTITY "A parameter can be read, and does not fit"
        "Each of errors names the parameter: a field that there is not, a range that ends before it begins, a place that the record does not have.";
    InvalidHeader "invalid-header" BAD_REQUEST "A header is not what it should be"
        "Each of errors names the header.";
    InvalidFilter "invalid-filter" UNPROCESSABLE_ENTITY "The filter cannot be understood"
        "The filter grammar is described in docs/filter.md; the detail says where it went wrong.";
    InvalidCursor "invalid-cursor" UNPROCESSABLE_ENTITY "The cursor is not one of this list"
        "Follow the link of the page before, with the same filter and order, or begin without a cursor.";
    InvalidSql "invalid-sql" UNPROCESSABLE_ENTITY "The statement cannot be answered"
        "Statements read, and nothing else; the detail says which part is at fault.";
    QueryLimit "query-limit" UNPROCESSABLE_ENTITY "The question takes more than it may"
        "Ask for less: a shorter time, fewer columns or rows.";
    Unauthenticated "unauthenticated" UNAUTHORIZED "Who is asking is not known"
        "Send Authorization: Bearer with a token of this server that is valid, or log in.";
    Forbidden "forbidden" FORBIDDEN "Whoever is asking may not do this"
        "The detail names the permission; an administrator gives roles.";
    LoginFailed "login-failed" BAD_REQUEST "The login did not come about"
        "Begin again at /auth/login, in the same browser, and finish within ten minutes.";
    LoginRefused "login-refused" FORBIDDEN "Whoever logged in may not come in"
        "The provider refused the login, or none of the person's groups has a role here.";
    ProviderUnavailable "provider-unavailable" SERVICE_UNAVAILABLE "The provider of logins cannot be asked"
        "Try again after a moment; the server's log says why. Tokens work meanwhile.";
    CrossSite "cross-site" FORBIDDEN "A request from another site was refused"
        "Requests with a session cookie that change something come from this server's own pages.";
    PlainHttp "plain-http" FORBIDDEN "A token was sent over a connection that anyone can read"
        "Use https. Revoke the token: it must be taken for known to others.";
    NoRecord "no-record" NOT_FOUND "There is no such record"
        "Look the id up in the list of records.";
    NoLedger "no-ledger" NOT_FOUND "There is no such ledger"
        "GET /v1/ledgers lists those that you may see.";
    NoAttachment "no-attachment" NOT_FOUND "There is no such attachment"
        "Attachments are named by their digest: sha256: and 64 hexadecimal digits.";
    AttachmentChanged "attachment-changed" INTERNAL_SERVER_ERROR "The attachment is not what it was when it was stored"
        "What its digest names is gone from this disk. Take it from a backup, and have the ledger verified.";
    NoToken "no-token" NOT_FOUND "There is no such token"
        "GET /v1/tokens lists them.";
    NoSuchPath "no-such-path" NOT_FOUND "There is nothing at this path"
        "/openapi.json and /docs say what there is.";
    MethodNotAllowed "method-not-allowed" METHOD_NOT_ALLOWED "This path does not do that"
        "The Allow header says what it does.";
    NotAcceptable "not-acceptable" NOT_ACCEPTABLE "None of the forms that are accepted can be given"
        "The detail lists the forms there are.";
    UnsupportedMediaType "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE "The body's form is not one that is read here"
        "The detail lists the forms that are read.";
    TooLarge "too-large" PAYLOAD_TOO_LARGE "There is too much of it"
        "The detail names the limit. Larger values go to attachments, larger batches into several requests.";
    Conflict "conflict" CONFLICT "The id is taken by a record with other content"
        "What is recorded stays. Give the record another id, or record a correction that refers to it.";
    RecordErased "record-erased" CONFLICT "The record of this id has been erased"
        "Do not send it again, and let go of what you have of it: the sender may be the last place that holds what was to be forgotten.";
    LedgerExists "ledger-exists" CONFLICT "There is a ledger of this name"
        "Choose another name.";
    NotCoveredYet "not-covered-yet" CONFLICT "No signed checkpoint covers the record yet"
        "Ask again after a moment: checkpoints are signed every 100 ms while records come.";
    Unfit "unfit" CONFLICT "This cannot be done with this record"
        "The detail says why.";
    PreconditionFailed "precondition-failed" PRECONDITION_FAILED "A condition of the request does not hold"
        "The detail names it.";
    RateLimited "rate-limited" TOO_MANY_REQUESTS "Too many requests"
        "Wait for as long as Retry-After says. Batches cost one request each.";
    RequestTimeout "request-timeout" REQUEST_TIMEOUT "The request took too long to arrive"
        "Send it faster, or in smaller parts.";
    Internal "internal" INTERNAL_SERVER_ERROR "The server failed at this"
        "The server's log has the cause under the request id.";
    Busy "busy" SERVICE_UNAVAILABLE "There is too much to do at this moment"
        "Send it again after the time that Retry-After gives. Nothing was recorded.";
    LedgerStopped "ledger-stopped" SERVICE_UNAVAILABLE "The ledger has stopped after a failure"
        "Its operator has to look at the disk and restart the server, which recovers. Sending records again with the same id is safe.";
    TrailStopped "trail-stopped" SERVICE_UNAVAILABLE "Reads cannot be recorded, so nothing is shown"
        "The ledger of access records cannot be written; its operator has to look at the disk.";
    Closing "closing" SERVICE_UNAVAILABLE "The server is shutting down"
        "Send it again in a moment.";
    ProofTimeout "proof-timeout" GATEWAY_TIMEOUT "The record is recorded, but no checkpoint covered it in time"
        "The record is durable. Ask for its evidence later.";
}
