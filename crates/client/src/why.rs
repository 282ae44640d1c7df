//! Why, models and replays: answers of a server as they are, for whoever knows their types.

use crate::error::ClientError;
use crate::ledger::RemoteLedger;
use crate::transport::Call;

impl RemoteLedger {
    /// Why a decision came out as it did, as `docs/why.md` describes it. `audience` is `authority` or `subject`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn why(&self, id: &str, audience: &str, all_versions: bool) -> Result<String, ClientError> {
        let mut query = vec![("audience", audience.to_owned())];
        if all_versions {
            query.push(("all_versions", "true".to_owned()));
        }
        let call = Call::get(self.url(&["records", id, "why"], &query)?);
        Ok(self.raw(call)?.0)
    }

    /// The models that are registered or that decisions name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn models(&self) -> Result<String, ClientError> {
        let call = Call::get(self.url(&["models"], &[])?);
        Ok(self.raw(call)?.0)
    }

    /// Runs the decisions that match again, as many as `limit` at most.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn replay(&self, q: &str, limit: usize) -> Result<String, ClientError> {
        let body = serde_json::json!({ "q": q, "limit": limit }).to_string();
        let url = self.url(&["replays"], &[])?;
        // It changes nothing, so it may be sent again.
        let call = Call::post(url, body.as_bytes()).repeatable(true);
        Ok(self.raw(call)?.0)
    }
}
