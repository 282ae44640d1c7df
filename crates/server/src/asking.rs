//! Who is asking, from where, for what, under which request id. Made once by `front`, taken by every handler.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use causebook_access::{Permission, Principal};

use crate::book::Book;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::trail::Access;

/// Who asks where nobody is known.
pub(crate) const NOBODY: &str = "nobody";

/// One request, as far as it matters who sends it.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    /// Who, as authenticated; none for a path that is open to all.
    pub(crate) principal: Option<Arc<Principal>>,
    pub(crate) request_id: String,
    pub(crate) trace_id: Option<String>,
    pub(crate) purpose: Option<String>,
    /// Address of whoever is connected.
    pub(crate) from: Option<String>,
}

impl Asking {
    /// The principal's name, as it stands in records.
    pub(crate) fn name(&self) -> &str {
        self.principal
            .as_ref()
            .map_or(NOBODY, |principal| principal.name())
    }

    /// # Errors
    /// [`Code::Unauthenticated`].
    pub(crate) fn known(&self) -> Result<&Principal, Problem> {
        self.principal.as_deref().ok_or_else(|| {
            Problem::new(Code::Unauthenticated, "this needs a token or a login")
                .hint("Authorization: Bearer cbk_...")
        })
    }
}

impl App {
    /// The ledger, if whoever is asking may do this with it. A refusal, and the asking for a ledger that is not there, is
    /// itself recorded.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`], [`Code::Forbidden`], [`Code::NoLedger`].
    pub(crate) async fn book(
        &self,
        asking: &Asking,
        ledger: &str,
        permission: Permission,
    ) -> Result<Arc<Book>, Problem> {
        let refused = match check(asking, ledger, permission) {
            Ok(()) => match self.books.get(ledger) {
                Some(book) => return Ok(book),
                None => Problem::new(Code::NoLedger, format!("there is no ledger {ledger:?}")),
            },
            Err(problem) => problem,
        };
        // Strangers are counted and logged by `front`; they do not get to write a ledger.
        if asking.principal.is_some() {
            let access = Access {
                result: refused.code.name(),
                ..Access::of(permission.as_str(), ledger)
            };
            self.trail.note(asking, &access).await?;
        }
        Err(refused)
    }
}

/// Whether whoever is asking may do this with this ledger.
///
/// # Errors
/// [`Code::Unauthenticated`], [`Code::Forbidden`].
pub(crate) fn check(asking: &Asking, ledger: &str, permission: Permission) -> Result<(), Problem> {
    let principal = asking.known()?;
    if principal.allows(permission, ledger) {
        return Ok(());
    }
    let roles: Vec<&str> = permission
        .roles()
        .iter()
        .map(|role| role.as_str())
        .collect();
    let detail = format!(
        "{} lacks the permission {:?} on ledger {ledger:?}",
        principal.name(),
        permission.as_str()
    );
    Err(Problem::new(Code::Forbidden, detail).hint(format!("roles that may: {}", roles.join(", "))))
}

impl<S: Sync> FromRequestParts<S> for Asking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Problem::internal(&"a path without its front"))
    }
}
