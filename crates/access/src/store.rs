//! The tokens of a home: made, listed, revoked, and recognised.
//!
//! Several processes may work on one home, a server and the command line above all. Each change is made to what the file
//! says then, under a lock, and each [`authenticate`](TokenStore::authenticate) looks first whether the file is still
//! the one that was read: what somebody revokes on this machine is refused at once, whoever revoked it.
//!
//! When a token was last used is kept in memory and written by [`save_uses`](TokenStore::save_uses), at most once a minute
//! and when the store is closed. A crash may lose a minute of it; nothing is decided by it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq as _;

use crate::error::{AccessError, TokenRefusal};
use crate::file::{Kept, Seen, TokenFile};
use crate::principal::Principal;
use crate::text::{TokenText, random_text};
use crate::token::{NewToken, TOKENS_MAX, Token, TokenState};

const ID_CHARS: usize = 10;
/// Letters and digits that are not taken for each other when read aloud.
const ID_ALPHABET: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";
const SAVE_INTERVAL: SignedDuration = SignedDuration::from_secs(60);

/// The tokens of a home.
#[derive(Debug)]
pub struct TokenStore {
    file: TokenFile,
    known: Mutex<Known>,
}

/// A token that was just made.
#[derive(Debug)]
pub struct Created {
    /// The secret: this is the only time that it can be had.
    pub text: TokenText,
    /// What is kept.
    pub token: Token,
}

#[derive(Debug)]
struct Known {
    tokens: Vec<Kept>,
    /// By the first bytes of the hash; the whole of it is compared in constant time.
    by_hash: HashMap<u64, Vec<usize>>,
    seen: Seen,
    /// Uses that are not in the file yet, by id.
    used: HashMap<String, Timestamp>,
    saved: Option<Timestamp>,
}

impl TokenStore {
    /// Opens the tokens of a home. One without a token file has none yet.
    ///
    /// # Errors
    /// If there is no such home, or its token file cannot be used: [`AccessError::Damaged`],
    /// [`AccessError::NewerFormat`], [`AccessError::Exposed`], [`AccessError::Disk`].
    pub fn open(home: &Path) -> Result<Self, AccessError> {
        let file = TokenFile::of(home)?;
        let known = Mutex::new(Known::read(&file)?);
        Ok(Self { file, known })
    }

    /// Makes a token. It is in the file, durably, before this returns.
    ///
    /// # Errors
    /// If the name or the life cannot be; [`AccessError::TooManyTokens`]; or if the file cannot be written.
    pub fn create(
        &self,
        wanted: &NewToken,
        created_by: &str,
        now: Timestamp,
    ) -> Result<Created, AccessError> {
        let expires = wanted.check(now)?;
        let text = TokenText::generate()?;
        let token = self.change(|tokens| {
            make_room(tokens, now)?;
            let token = Token {
                id: unused_id(tokens)?,
                name: wanted.name.clone(),
                grant: wanted.grant.clone(),
                created: now,
                created_by: created_by.to_owned(),
                expires,
                revoked: None,
                last_used: None,
            };
            tokens.push(Kept {
                token: token.clone(),
                hash: text.hash(),
            });
            Ok(token)
        })?;
        Ok(Created { text, token })
    }

    /// Every token that is kept, oldest first.
    ///
    /// # Errors
    /// If the file cannot be used.
    pub fn list(&self) -> Result<Vec<Token>, AccessError> {
        let mut known = self.known();
        known.refresh(&self.file)?;
        let with_use = |kept: &Kept| {
            let mut token = kept.token.clone();
            token.last_used = token.last_used.max(known.used.get(&token.id).copied());
            token
        };
        Ok(known.tokens.iter().map(with_use).collect())
    }

    /// Whether there has never been a token here. Not so if that cannot be told.
    pub fn is_empty(&self) -> bool {
        let mut known = self.known();
        known.refresh(&self.file).is_ok() && known.tokens.is_empty()
    }

    /// Takes a token back, for every process that works on this home. One that was revoked before stays as it is.
    ///
    /// # Errors
    /// [`AccessError::NoSuchToken`], or if the file cannot be written: the token is then still good.
    pub fn revoke(&self, id: &str, now: Timestamp) -> Result<Token, AccessError> {
        self.change(|tokens| {
            let found = tokens.iter_mut().find(|kept| kept.token.id == id);
            let Some(kept) = found else {
                return Err(AccessError::NoSuchToken { id: id.to_owned() });
            };
            kept.token.revoked.get_or_insert(now);
            Ok(kept.token.clone())
        })
    }

    /// Who holds this token.
    ///
    /// # Errors
    /// [`TokenRefusal`]. If the file cannot be read nobody is let in.
    pub fn authenticate(&self, text: &str, now: Timestamp) -> Result<Principal, TokenRefusal> {
        let hash = TokenText::parse(text)?.hash();
        let mut known = self.known();
        known.refresh(&self.file)?;
        let token = known.find(&hash).ok_or(TokenRefusal::Unknown)?;
        match token.state(now) {
            TokenState::Revoked => return Err(TokenRefusal::Revoked),
            TokenState::Expired => return Err(TokenRefusal::Expired),
            TokenState::Active => {}
        }
        let id = token.id.clone();
        let principal = Principal::token(&token.name, &id, token.grant.clone())?;
        known.used.insert(id, now);
        Ok(principal)
    }

    /// Writes when tokens were last used, if a minute has passed since the last time. `true` if it wrote. It waits for
    /// the disk: call it beside the requests, not in one.
    ///
    /// # Errors
    /// If the file cannot be written; what was to be written is kept for the next time.
    pub fn save_uses(&self, now: Timestamp) -> Result<bool, AccessError> {
        let due = {
            let known = self.known();
            let rested = |saved: Timestamp| now.duration_since(saved).abs() >= SAVE_INTERVAL;
            !known.used.is_empty() && known.saved.is_none_or(rested)
        };
        if due {
            self.write_uses()?;
            self.known().saved = Some(now);
        }
        Ok(due)
    }

    /// Writes when tokens were last used, and lets go of the file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn close(self) -> Result<(), AccessError> {
        if self.known().used.is_empty() {
            return Ok(());
        }
        self.write_uses()
    }

    fn write_uses(&self) -> Result<(), AccessError> {
        let used = self.known().used.clone();
        self.change(|tokens| {
            for kept in tokens {
                let at = used.get(&kept.token.id).copied();
                kept.token.last_used = kept.token.last_used.max(at);
            }
            Ok(())
        })?;
        // What was used again meanwhile is for the next time.
        self.known()
            .used
            .retain(|id, at| used.get(id).is_none_or(|written| written < at));
        Ok(())
    }

    /// Changes what the file says now, whoever wrote it, and remembers the outcome. Requests are served meanwhile.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<Kept>) -> Result<T, AccessError>,
    ) -> Result<T, AccessError> {
        let lock = self.file.lock()?;
        let mut tokens = self.file.read()?.kept;
        let outcome = change(&mut tokens)?;
        self.file.write(&tokens, &lock)?;
        self.known().refresh(&self.file)?;
        Ok(outcome)
    }

    /// Nothing panics while the lock is held, and what it guards is made anew from the file at will.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn read(file: &TokenFile) -> Result<Self, AccessError> {
        let snapshot = file.read()?;
        let mut by_hash: HashMap<u64, Vec<usize>> = HashMap::new();
        for (place, kept) in snapshot.kept.iter().enumerate() {
            by_hash
                .entry(beginning(&kept.hash))
                .or_default()
                .push(place);
        }
        Ok(Self {
            tokens: snapshot.kept,
            by_hash,
            seen: snapshot.seen,
            used: HashMap::new(),
            saved: None,
        })
    }

    /// Reads the file again if it is another one by now.
    fn refresh(&mut self, file: &TokenFile) -> Result<(), AccessError> {
        if file.is(&self.seen)? {
            return Ok(());
        }
        let fresh = Self::read(file)?;
        self.tokens = fresh.tokens;
        self.by_hash = fresh.by_hash;
        self.seen = fresh.seen;
        let ids: std::collections::HashSet<&str> = self
            .tokens
            .iter()
            .map(|kept| kept.token.id.as_str())
            .collect();
        self.used.retain(|id, _| ids.contains(id.as_str()));
        Ok(())
    }

    fn find(&self, hash: &[u8; 32]) -> Option<&Token> {
        let candidates = self.by_hash.get(&beginning(hash))?;
        let mut found = candidates
            .iter()
            .filter_map(|place| self.tokens.get(*place))
            .filter(|kept| bool::from(kept.hash.ct_eq(hash)));
        found.next().map(|kept| &kept.token)
    }
}

fn beginning(hash: &[u8; 32]) -> u64 {
    hash.first_chunk()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Where there are as many tokens as are kept, those that ended longest ago go.
fn make_room(tokens: &mut Vec<Kept>, now: Timestamp) -> Result<(), AccessError> {
    while tokens.len() >= TOKENS_MAX {
        let ended = tokens.iter().enumerate().filter_map(|(place, kept)| {
            let at = kept.token.ended(now)?;
            Some((at, place))
        });
        let Some((_, place)) = ended.min() else {
            return Err(AccessError::TooManyTokens);
        };
        tokens.remove(place);
    }
    Ok(())
}

fn unused_id(tokens: &[Kept]) -> Result<String, AccessError> {
    loop {
        let id = random_text(ID_CHARS, ID_ALPHABET)?;
        if tokens.iter().all(|kept| kept.token.id != id) {
            return Ok(id);
        }
    }
}
