//! The text of a token: what is handed out once, and sent with every request.
//!
//! ```text
//! cbk_1ThisIsAnExampleAndOpensNoDoor00wDark
//! └─┬─┘└─────────────┬──────────────┘└─┬──┘
//!   │      30 random characters     checksum: CRC-32 of all before it, in 6 characters
//!   kind and version
//! ```
//!
//! The prefix and the checksum let a scanner find a token in a repository without asking anybody, and let the server
//! tell a typing error from a token that it does not know. There is no character that ends a word, so a double click
//! selects all of it. 30 characters of 62 are 178 bits.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::error::{AccessError, TokenRefusal};

/// A regular expression for tokens, for whoever looks for leaked ones.
pub const TOKEN_PATTERN: &str = r"\bcbk_1[0-9A-Za-z]{36}\b";

const PREFIX: &str = "cbk_1";
const RANDOM_CHARS: usize = 30;
const CHECKSUM_CHARS: usize = 6;
const LENGTH: usize = PREFIX.len() + RANDOM_CHARS + CHECKSUM_CHARS;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A well-formed token. It is a secret: nothing prints it but [`expose`](Self::expose).
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText(String);

impl TokenText {
    /// A new token that nobody can guess.
    ///
    /// # Errors
    /// [`AccessError::Disk`] if the operating system gives no random bytes.
    pub(crate) fn generate() -> Result<Self, AccessError> {
        let mut text = PREFIX.to_owned();
        text.push_str(&random_text(RANDOM_CHARS, BASE62)?);
        let sum = checksum(&text);
        text.push_str(&sum);
        Ok(Self(text))
    }

    /// Reads a token and checks its checksum.
    ///
    /// # Errors
    /// [`TokenRefusal::Malformed`].
    pub fn parse(text: &str) -> Result<Self, TokenRefusal> {
        let form = text.len() == LENGTH
            && text.starts_with(PREFIX)
            && text
                .bytes()
                .skip(PREFIX.len())
                .all(|byte| byte.is_ascii_alphanumeric());
        if !form {
            return Err(TokenRefusal::Malformed);
        }
        let (body, sum) = text.split_at(LENGTH - CHECKSUM_CHARS);
        if sum != checksum(body) {
            return Err(TokenRefusal::Malformed);
        }
        Ok(Self(text.to_owned()))
    }

    /// The secret itself, to be shown once to whoever asked for it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it. A plain hash is enough: there are too many tokens to try them all.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(secret)")
    }
}

/// CRC-32 (IEEE 802.3) as six base-62 digits, most significant first.
fn checksum(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

/// Characters of `alphabet`, each as likely as any other.
pub(crate) fn random_text(count: usize, alphabet: &[u8]) -> Result<String, AccessError> {
    // Bytes beyond the last whole multiple would make the first characters likelier.
    let even = 256 / alphabet.len() * alphabet.len();
    let mut text = String::with_capacity(count);
    let mut bytes = [0; 64];
    while text.len() < count {
        getrandom::fill(&mut bytes).map_err(|error| {
            AccessError::disk("asking for randomness", "the operating system".into())(
                std::io::Error::other(error.to_string()),
            )
        })?;
        let usable = bytes
            .iter()
            .map(|byte| usize::from(*byte))
            .filter(|byte| *byte < even);
        let characters = usable.filter_map(|byte| alphabet.get(byte % alphabet.len()));
        text.extend(
            characters
                .take(count - text.len())
                .map(|byte| char::from(*byte)),
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_is_of_the_documented_form() {
        for _ in 0..1000 {
            let token = TokenText::generate().unwrap();
            let text = token.expose();
            assert_eq!(TokenText::parse(text).unwrap(), token);
            assert_eq!(text.len(), 41);
            assert!(text.starts_with("cbk_1"));
            assert!(
                text[5..].bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "{text}"
            );
        }
    }

    #[test]
    fn any_one_changed_character_is_noticed() {
        for _ in 0..20 {
            let token = TokenText::generate().unwrap();
            let text = token.expose();
            for place in 0..text.len() {
                for other in (0x20..0x7f).map(char::from) {
                    let mut changed = text.to_owned();
                    changed.replace_range(place..=place, &other.to_string());
                    let refused =
                        matches!(TokenText::parse(&changed), Err(TokenRefusal::Malformed));
                    assert_eq!(refused, changed != text, "{changed}");
                }
            }
        }
    }

    #[test]
    fn two_characters_that_changed_places_are_noticed() {
        let token = TokenText::generate().unwrap();
        for place in 5..40 {
            let mut bytes = token.expose().as_bytes().to_vec();
            bytes.swap(place, place + 1);
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(
                TokenText::parse(&changed).is_err(),
                changed != token.expose()
            );
        }
    }

    #[test]
    fn what_is_no_token_is_refused_without_a_panic() {
        let token = TokenText::generate().unwrap();
        let text = token.expose();
        let (short, long) = (&text[..40], format!("{text}0"));
        let spaced = format!(" {text}");
        let wide = format!("cbk_1{}", "é".repeat(18));
        for bad in [
            "",
            "cbk_1",
            "Bearer",
            short,
            &long,
            &spaced,
            &wide,
            &"é".repeat(41),
        ] {
            assert!(TokenText::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_checksum_is_crc_32_in_base_62() {
        // CRC-32/ISO-HDLC of "123456789" is 0xcbf43926 = 3421780262.
        let mut value = 0_u64;
        for digit in checksum("123456789").bytes() {
            let place = BASE62.iter().position(|known| *known == digit).unwrap();
            value = value * 62 + place as u64;
        }
        assert_eq!(value, 0xcbf4_3926);
        assert_eq!(checksum("").as_str(), "000000");
    }

    #[test]
    fn the_token_on_the_page_is_one() {
        let page = include_str!("../../../docs/access.md");
        let example = page.lines().find(|line| line.starts_with("cbk_1")).unwrap();
        assert!(TokenText::parse(example).is_ok(), "{example}");
    }

    #[test]
    fn every_character_is_about_as_likely_as_any_other() {
        let text = random_text(62_000, BASE62).unwrap();
        for character in BASE62 {
            let count = text.bytes().filter(|byte| byte == character).count();
            // 1,000 expected, with a standard deviation below 32.
            assert!(
                (800..1200).contains(&count),
                "{} {count}",
                char::from(*character)
            );
        }
    }

    #[test]
    fn a_token_is_not_printed_by_accident() {
        let token = TokenText::generate().unwrap();
        assert_eq!(format!("{token:?}"), "TokenText(secret)");
    }
}
