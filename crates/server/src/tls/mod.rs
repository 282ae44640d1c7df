//! TLS: certificate and key from files, read again when they change, and client certificates where they are asked for.
//!
//! A [`Tls`] hands out the configuration for the next connection. Reading the files again replaces that; connections
//! that live keep what they began with, and nothing is dropped. Sessions of the old configuration are not resumed
//! under the new one, so that an authority that was taken out cannot be got around by resuming. Files that cannot be used are
//! named, and leave what was there before in use.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};

mod names;

pub use names::names;

/// A certificate chain with its key is a few kilobytes; a bundle of authorities a few hundred.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Where certificate and keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM: the server's certificate, then those that lead to its authority.
    pub certificate: PathBuf,
    /// PEM: the private key of the first certificate.
    pub key: PathBuf,
    /// PEM: authorities whose client certificates are believed. Without, none are asked for.
    pub client_ca: Option<PathBuf>,
    /// Whether who shows no client certificate is turned away.
    pub client_required: bool,
}

/// A file that cannot be used for TLS.
#[derive(Debug, thiserror::Error)]
#[error("{what} {} cannot be used: {problem}", path.display())]
pub struct TlsError {
    /// What the file is for.
    pub what: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// What to do about it.
    pub hint: &'static str,
}

/// TLS with files that may be replaced.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    /// Protocols that are offered, most wanted first.
    protocols: Vec<Vec<u8>>,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    stamps: Vec<Option<Stamp>>,
}

/// What tells one version of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Tls {
    /// Reads the files. `protocols` are those of ALPN, most wanted first.
    ///
    /// # Errors
    /// [`TlsError`], naming the file.
    pub fn load(files: TlsFiles, protocols: &[&str]) -> Result<Self, TlsError> {
        let protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let current = RwLock::new(Current::read(&files, &protocols)?);
        Ok(Self {
            files,
            protocols,
            current,
        })
    }

    /// The configuration for a connection that begins now.
    pub fn config(&self) -> Arc<ServerConfig> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.config)
    }

    /// Reads the files again, whether or not they look changed.
    ///
    /// # Errors
    /// [`TlsError`]; what was in use stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = Current::read(&self.files, &self.protocols)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Reads the files again if one of them is not the one that was read. `true` if it did. Who replaces certificate and
    /// key one after the other may get an error in between; the next call finds both.
    ///
    /// # Errors
    /// [`TlsError`]; what was in use stays in use.
    pub fn reload_if_changed(&self) -> Result<bool, TlsError> {
        let stamps = stamps(&self.files);
        let same = {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            current.stamps == stamps
        };
        if !same {
            self.reload()?;
        }
        Ok(!same)
    }
}

impl Current {
    fn read(files: &TlsFiles, protocols: &Vec<Vec<u8>>) -> Result<Self, TlsError> {
        // Taken before reading: a file that is replaced meanwhile is seen as changed at the next look.
        let stamps = stamps(files);
        let mut config = config(files)?;
        config.alpn_protocols.clone_from(protocols);
        Ok(Self {
            config: Arc::new(config),
            stamps,
        })
    }
}

fn config(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(default_provider());
    let chain = certificates("the certificate", &files.certificate)?;
    let key = private_key(&files.key)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| unusable("the certificate", &files.certificate, &error, ""))?;
    let builder = match &files.client_ca {
        Some(path) => builder.with_client_cert_verifier(verifier(path, files, provider)?),
        None => builder.with_no_client_auth(),
    };
    builder.with_single_cert(chain, key).map_err(|error| {
        let hint = "certificate and key must belong together, the server's own certificate first";
        unusable("the certificate", &files.certificate, &error, hint)
    })
}

fn verifier(
    path: &Path,
    files: &TlsFiles,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    const WHAT: &str = "the file of client authorities";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(WHAT, path)? {
        let hint = "it must hold certificates of authorities, in PEM";
        roots
            .add(certificate)
            .map_err(|error| unusable(WHAT, path, &error, hint))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if files.client_required {
        builder
    } else {
        builder.allow_unauthenticated()
    };
    builder
        .build()
        .map_err(|error| unusable(WHAT, path, &error, ""))
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    const HINT: &str = "it must be PEM: -----BEGIN CERTIFICATE-----";
    let bytes = read(what, path)?;
    let found = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| unusable(what, path, &error, HINT))?;
    if found.is_empty() {
        return Err(unusable(what, path, &"it holds no certificate", HINT));
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    const WHAT: &str = "the private key";
    let bytes = read(WHAT, path)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
        let hint = "it must be PEM and not encrypted: -----BEGIN PRIVATE KEY-----";
        unusable(WHAT, path, &error, hint)
    })
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let readable = "check that the path is right and that the server may read it";
    let refused = |error: std::io::Error| unusable(what, path, &error, readable);
    let bytes = fs::metadata(path).map_err(refused)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(unusable(
            what,
            path,
            &format!("it has {bytes} bytes"),
            readable,
        ));
    }
    fs::read(path).map_err(refused)
}

fn unusable(
    what: &'static str,
    path: &Path,
    problem: &dyn ToString,
    hint: &'static str,
) -> TlsError {
    TlsError {
        what,
        path: path.to_owned(),
        problem: problem.to_string(),
        hint,
    }
}

fn stamps(files: &TlsFiles) -> Vec<Option<Stamp>> {
    let paths = [&files.certificate, &files.key]
        .into_iter()
        .chain(&files.client_ca);
    paths.map(|path| Stamp::of(path)).collect()
}

impl Stamp {
    /// Of the file that a link leads to: orchestrators replace secrets by moving a link.
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

#[cfg(test)]
mod tests;
