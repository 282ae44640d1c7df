//! What the transport's errors mean to a caller.

use std::io;

use crate::error::ClientError;

pub(crate) fn foreign(server: &str, what: String) -> ClientError {
    ClientError::Foreign {
        server: server.to_owned(),
        status: None,
        what,
    }
}

/// An error of the transport, by whether anything reached the server.
pub(crate) fn of_transport(error: ureq::Error, server: &str) -> ClientError {
    let server = server.to_owned();
    match error {
        ureq::Error::Io(error) => of_io(&error, server),
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            ClientError::Unreachable {
                server,
                cause: "it does not answer".to_owned(),
            }
        }
        ureq::Error::Timeout(phase) => ClientError::Timeout {
            server,
            phase: phase.to_string(),
        },
        ureq::Error::HostNotFound => ClientError::Unreachable {
            server,
            cause: "there is no host of this name".to_owned(),
        },
        ureq::Error::ConnectionFailed | ureq::Error::ConnectProxyFailed(_) => {
            ClientError::Unreachable {
                server,
                cause: error.to_string(),
            }
        }
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => ClientError::Tls {
            server,
            cause: error.to_string(),
        },
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => ClientError::Address {
            given: server,
            what: error.to_string(),
        },
        other => ClientError::Foreign {
            server,
            status: None,
            what: other.to_string(),
        },
    }
}

/// An error while an answer was read: it has begun, so the request was carried out or is being.
pub(crate) fn of_reading(error: io::Error, server: &str) -> ClientError {
    match ureq::Error::from(error) {
        ureq::Error::Io(error) if is_timeout(&error) => ClientError::Timeout {
            server: server.to_owned(),
            phase: "reading the answer".to_owned(),
        },
        ureq::Error::Io(error) => ClientError::Lost {
            server: server.to_owned(),
            cause: error.to_string(),
        },
        other => of_transport(other, server),
    }
}

fn of_io(error: &io::Error, server: String) -> ClientError {
    let cause = error.to_string();
    match error.kind() {
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable => ClientError::Unreachable { server, cause },
        _ if is_timeout(error) => ClientError::Timeout {
            server,
            phase: "waiting for the answer".to_owned(),
        },
        // This is how the TLS layer reports what it cannot accept.
        io::ErrorKind::InvalidData if server.starts_with("https:") => {
            ClientError::Tls { server, cause }
        }
        _ => ClientError::Lost { server, cause },
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    )
}

/// The beginning of a body, fit for a message.
pub(crate) fn quoted(bytes: &[u8], limit: u64) -> String {
    if bytes.is_empty() {
        return "an empty body".to_owned();
    }
    let text = String::from_utf8_lossy(bytes);
    let start: String = text.chars().take(limit as usize).collect();
    let more = if start.len() < text.len() { "..." } else { "" };
    format!("{start:?}{more}")
}
