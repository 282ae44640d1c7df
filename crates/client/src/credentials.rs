//! Who asks: a token, kept out of every message, every debug print and every address.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::error::ClientError;

/// Longest token that is sent.
const TOKEN_BYTES_MAX: usize = 512;

/// What a client shows of itself. The default shows nothing, which a server on this machine may allow.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    token: Option<Token>,
}

impl Credentials {
    /// A bearer token, without the white space around it.
    ///
    /// # Errors
    /// [`ClientError::Credential`] if it is empty, too long, or holds what no header can carry.
    pub fn token(text: &str) -> Result<Credentials, ClientError> {
        let text = text.trim();
        let refuse = |what: &str| {
            Err(ClientError::Credential {
                what: what.to_owned(),
            })
        };
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > TOKEN_BYTES_MAX {
            return refuse("it is longer than 512 bytes");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return refuse("it holds white space or characters that no header can carry");
        }
        Ok(Credentials {
            token: Some(Token(text.to_owned())),
        })
    }

    /// The bearer token that a file holds.
    ///
    /// # Errors
    /// [`ClientError::Local`] if the file cannot be read, and what [`Credentials::token`] refuses.
    pub fn token_file(path: &Path) -> Result<Credentials, ClientError> {
        let unreadable = |source| ClientError::Local {
            doing: "reading the token file",
            source,
        };
        let mut text = String::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(TOKEN_BYTES_MAX as u64 * 2)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        Credentials::token(&text)
    }

    /// Whether there is anything to show, and so anything to lose.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    pub(crate) fn header(&self) -> Option<String> {
        let Token(token) = self.token.as_ref()?;
        Some(format!("Bearer {token}"))
    }
}

#[derive(Clone)]
struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(a token)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_printed() {
        let shown = format!("{:?}", Credentials::token("cbk_secret").unwrap());
        assert!(!shown.contains("secret"), "{shown}");
        let refused = Credentials::token("cbk_secret two").unwrap_err();
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }

    #[test]
    fn a_token_that_could_break_out_of_its_header_is_refused() {
        for text in ["", " \n", "a\r\nhost: b", "a b", "ä", &"x".repeat(513)] {
            assert!(
                matches!(
                    Credentials::token(text),
                    Err(ClientError::Credential { .. })
                ),
                "{text:?}"
            );
        }
        assert_eq!(
            Credentials::token(" cbk_1\n").unwrap().header().unwrap(),
            "Bearer cbk_1"
        );
    }
}
