//! Who may do what: roles and what each allows, principals, tokens, masks, the names in client certificates, and rate
//! limits.
//!
//! A request arrives with a token, a session or a certificate and becomes a [`Principal`]: a name that will stand in
//! records, and grants of [`Role`]s on ledgers. [`Principal::allows`] answers every question of permission from one
//! table, [`Permission::roles`], and says no to whatever the table does not name. [`MaskPolicy`] says which members of a
//! record a principal does not get to see.
//!
//! The crate knows no HTTP and no async runtime. Its only I/O is the token file ([`TokenStore`]); times are handed in
//! or come from a [`Clock`](causebook_ledger::Clock). Masking a record is left to `causebook-record`, writing access
//! records to the server.

mod certificate;
mod error;
mod file;
mod grant;
mod mask;
mod permission;
mod principal;
mod rate;
mod role;
mod store;
mod text;
mod token;

pub use certificate::{CertificateMap, CertificateName, CertificateNames, CertificateRule};
pub use error::{AccessError, TokenRefusal};
pub use grant::{ACCESS_LEDGER, Grant, Ledgers, check_ledger_name};
pub use mask::{ADMIN_MASK, ENGINEER_MASK, MaskPolicy};
pub use permission::{Permission, Scope};
pub use principal::{Principal, Via};
pub use rate::{Admitted, Rate, RateLimiter, RetryAfter};
pub use role::Role;
pub use store::{Created, TokenStore};
pub use text::{TOKEN_PATTERN, TokenText};
pub use token::{
    DEFAULT_DAYS, LONGEST_DAYS, NAME_BYTES_MAX, NewToken, TOKENS_MAX, Token, TokenState,
    USUAL_DAYS_MAX,
};
