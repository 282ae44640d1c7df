//! Why a server does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use causebook_access::AccessError;
use causebook_ledger::LedgerError;

use crate::oidc::LoginError;
use crate::tls::TlsError;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The home cannot be used.
    #[error("the home {} cannot be used: {source}", path.display())]
    Home {
        /// The folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A ledger cannot be opened.
    #[error("ledger {ledger:?} cannot be opened: {source}")]
    Ledger {
        /// Its name.
        ledger: String,
        /// The cause.
        #[source]
        source: Box<LedgerError>,
    },
    /// The address cannot be listened at.
    #[error("{address} cannot be listened at: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Login cannot be set up.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// Tokens cannot be read.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A server that other machines reach, and that knows nobody.
    #[error(
        "{address} can be reached from other machines, and there is no token and no provider to log in with"
    )]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// A server that others are told to come to, and that knows nobody: behind a proxy on this machine, everybody would
    /// seem to be here.
    #[error(
        "public_url is {url}, where others come to, and there is no token and no provider to log in with"
    )]
    Published {
        /// The address.
        url: String,
    },
}
