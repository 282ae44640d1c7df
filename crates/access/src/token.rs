//! Tokens as they are kept: everything but the secret.

use std::fmt;

use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::error::AccessError;
use crate::grant::Grant;

/// Most tokens that are kept, with those that have ended.
pub const TOKENS_MAX: usize = 10_000;
/// Most bytes of a token's name.
pub const NAME_BYTES_MAX: usize = 64;
/// Days that a token lives if nothing else is said.
pub const DEFAULT_DAYS: u32 = 90;
/// Most days that a token lives without saying that more is meant.
pub const USUAL_DAYS_MAX: u32 = 366;
/// Most days that a token lives: ten years.
pub const LONGEST_DAYS: u32 = 3660;

/// A token without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// A short name for this one token, which is no secret.
    pub id: String,
    /// Who holds it. Several may have one name, while one replaces another.
    pub name: String,
    /// What it entitles to.
    pub grant: Grant,
    /// When it was made.
    pub created: Timestamp,
    /// The principal that made it.
    pub created_by: String,
    /// From when on it is no longer good.
    pub expires: Timestamp,
    /// When it was taken back, if it was.
    pub revoked: Option<Timestamp>,
    /// When it was last let in, to about a minute.
    pub last_used: Option<Timestamp>,
}

/// What a token is good for at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// It opens the door.
    Active,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

impl Token {
    /// Whether it is good at `now`. It is good up to the moment at which it expires, and not at it.
    pub fn state(&self, now: Timestamp) -> TokenState {
        if self.revoked.is_some() {
            TokenState::Revoked
        } else if now >= self.expires {
            TokenState::Expired
        } else {
            TokenState::Active
        }
    }

    /// When it ended, if it has.
    pub(crate) fn ended(&self, now: Timestamp) -> Option<Timestamp> {
        match self.state(now) {
            TokenState::Active => None,
            TokenState::Expired => Some(self.expires),
            TokenState::Revoked => self.revoked,
        }
    }
}

impl fmt::Display for TokenState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        })
    }
}

/// What somebody asks for who wants a token.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Who will hold it.
    pub name: String,
    /// What it shall entitle to.
    pub grant: Grant,
    /// Days that it shall live.
    pub days: u32,
    /// That more than [`USUAL_DAYS_MAX`] days are meant.
    pub long_lived: bool,
}

impl NewToken {
    /// When a token made at `now` expires.
    ///
    /// # Errors
    /// [`AccessError::TokenName`], [`AccessError::TokenLife`].
    pub(crate) fn check(&self, now: Timestamp) -> Result<Timestamp, AccessError> {
        check_name(&self.name)?;
        let days_max = if self.long_lived {
            LONGEST_DAYS
        } else {
            USUAL_DAYS_MAX
        };
        let life = AccessError::TokenLife { days: self.days };
        if !(1..=days_max).contains(&self.days) {
            return Err(life);
        }
        now.checked_add((i64::from(self.days) * 24).hours())
            .map_err(|_| life)
    }
}

/// Names stand in records, logs and file names.
pub(crate) fn check_name(name: &str) -> Result<(), AccessError> {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@');
    let good = name.len() <= NAME_BYTES_MAX
        && name
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric())
        && name.bytes().all(plain);
    if good {
        return Ok(());
    }
    Err(AccessError::TokenName {
        given: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::Ledgers;
    use crate::role::Role;

    fn new_token(name: &str, days: u32) -> NewToken {
        NewToken {
            name: name.to_owned(),
            grant: Grant::new(Ledgers::All, [Role::Ingest]).unwrap(),
            days,
            long_lived: false,
        }
    }

    #[test]
    fn a_token_is_good_until_the_moment_it_expires() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let expires = new_token("a", 1).check(now).unwrap();
        assert_eq!(expires.to_string(), "2026-11-24T12:00:00Z");
        let mut token = Token {
            id: "t".to_owned(),
            name: "a".to_owned(),
            grant: new_token("a", 1).grant,
            created: now,
            created_by: "local:ann".to_owned(),
            expires,
            revoked: None,
            last_used: None,
        };
        let just_before = expires.checked_sub(1.nanosecond()).unwrap();
        assert_eq!(token.state(just_before), TokenState::Active);
        assert_eq!(token.state(expires), TokenState::Expired);
        // A clock that was set back does not bring back what was revoked.
        token.revoked = Some(expires);
        assert_eq!(token.state(now), TokenState::Revoked);
    }

    #[test]
    fn a_life_is_a_day_to_a_year_and_longer_only_if_meant() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        for days in [1, 90, 366] {
            assert!(new_token("a", days).check(now).is_ok(), "{days}");
        }
        for days in [0, 367, u32::MAX] {
            assert!(new_token("a", days).check(now).is_err(), "{days}");
        }
        let mut long = new_token("a", 3660);
        long.long_lived = true;
        assert!(long.check(now).is_ok());
        long.days = 3661;
        assert!(long.check(now).is_err());
        assert!(new_token("a", 90).check(Timestamp::MAX).is_err());
    }

    #[test]
    fn names_are_of_a_plain_alphabet() {
        let longest = "n".repeat(64);
        for name in ["loans-api", "0", "ann@bank.example", "A_b.c", &longest] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let too_long = "n".repeat(65);
        for name in ["", "-n", ".n", "a b", "a/b", "a\n", "ä", "a:b", &too_long] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }
}
