//! Who is logged in. A browser holds a random id; here only its hash is kept, with the principal and two times.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use causebook_access::Principal;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::error::LoginError;

/// Most sessions at one time. Beyond that, whoever has been quiet longest is logged out.
const SESSIONS_MAX: usize = 10_000;
const ID_BYTES: usize = 32;

/// The sessions of a server.
#[derive(Debug)]
pub struct Sessions {
    idle: SignedDuration,
    whole: SignedDuration,
    /// By the hash of the id, which says nothing about the id. So looking one up may take whatever time it takes.
    by_hash: Mutex<HashMap<[u8; 32], Session>>,
}

#[derive(Debug)]
struct Session {
    principal: Arc<Principal>,
    began: Timestamp,
    used: Timestamp,
}

impl Sessions {
    /// No sessions yet. One ends when nothing was asked for `idle`, and in any case after `whole`.
    pub fn new(idle: Duration, whole: Duration) -> Self {
        let signed = |time| SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        Self {
            idle: signed(idle),
            whole: signed(whole),
            by_hash: Mutex::new(HashMap::new()),
        }
    }

    /// Begins a session and gives the id that is its whole secret.
    ///
    /// # Errors
    /// [`LoginError::Settings`] if the operating system gives no random bytes.
    pub fn begin(&self, principal: Arc<Principal>, now: Timestamp) -> Result<String, LoginError> {
        let id = random_text()?;
        let session = Session {
            principal,
            began: now,
            used: now,
        };
        let mut sessions = self.sessions();
        if sessions.len() >= SESSIONS_MAX {
            sessions.retain(|_, session| self.lives(session, now));
        }
        if sessions.len() >= SESSIONS_MAX {
            let quietest = sessions.iter().min_by_key(|(_, session)| session.used);
            if let Some(hash) = quietest.map(|(hash, _)| *hash) {
                sessions.remove(&hash);
            }
        }
        sessions.insert(hash(&id), session);
        Ok(id)
    }

    /// Whose session this is, if it still lives. It lives on for being asked.
    pub fn principal(&self, id: &str, now: Timestamp) -> Option<Arc<Principal>> {
        let hash = hash(id);
        let mut sessions = self.sessions();
        let session = sessions.get_mut(&hash)?;
        if !self.lives(session, now) {
            sessions.remove(&hash);
            return None;
        }
        session.used = session.used.max(now);
        Some(Arc::clone(&session.principal))
    }

    /// Ends a session. `false` if there was none.
    pub fn end(&self, id: &str) -> bool {
        self.sessions().remove(&hash(id)).is_some()
    }

    fn lives(&self, session: &Session, now: Timestamp) -> bool {
        now.duration_since(session.used) < self.idle
            && now.duration_since(session.began) < self.whole
    }

    /// Nothing panics while it is held.
    fn sessions(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.by_hash.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(id: &str) -> [u8; 32] {
    Sha256::digest(id.as_bytes()).into()
}

/// 256 unpredictable bits as text that fits in a cookie and a query.
pub(super) fn random_text() -> Result<String, LoginError> {
    let mut bytes = [0; ID_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| LoginError::Settings {
        what: "randomness",
        problem: error.to_string(),
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> Arc<Principal> {
        Arc::new(Principal::user("ann@bank.example", Vec::new()).unwrap())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    fn sessions() -> Sessions {
        Sessions::new(Duration::from_secs(30), Duration::from_secs(100))
    }

    #[test]
    fn a_session_lives_while_it_is_used_and_not_beyond_its_whole_time() {
        let sessions = sessions();
        let id = sessions.begin(ann(), at(0)).unwrap();
        for now in [0, 29, 58, 87, 99] {
            assert_eq!(
                sessions.principal(&id, at(now)).unwrap().name(),
                "user:ann@bank.example"
            );
        }
        assert!(sessions.principal(&id, at(100)).is_none());
        let id = sessions.begin(ann(), at(0)).unwrap();
        assert!(sessions.principal(&id, at(30)).is_none());
        assert!(
            sessions.principal(&id, at(1)).is_none(),
            "what ended does not come back"
        );
    }

    #[test]
    fn logging_out_ends_a_session_and_no_other() {
        let sessions = sessions();
        let (one, other) = (
            sessions.begin(ann(), at(0)).unwrap(),
            sessions.begin(ann(), at(0)).unwrap(),
        );
        assert_ne!(one, other);
        assert!(sessions.end(&one));
        assert!(!sessions.end(&one));
        assert!(sessions.principal(&one, at(1)).is_none());
        assert!(sessions.principal(&other, at(1)).is_some());
        assert!(sessions.principal("", at(1)).is_none());
    }

    #[test]
    fn an_id_is_of_256_random_bits_and_is_not_kept() {
        let sessions = sessions();
        let id = sessions.begin(ann(), at(0)).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(&id).unwrap().len(), 32);
        assert!(!format!("{sessions:?}").contains(&id));
    }

    #[test]
    fn the_quietest_are_logged_out_when_there_are_too_many() {
        let sessions = Sessions::new(
            Duration::from_secs(1_000_000),
            Duration::from_secs(1_000_000),
        );
        let quiet = sessions.begin(ann(), at(0)).unwrap();
        let busy = sessions.begin(ann(), at(0)).unwrap();
        sessions.principal(&busy, at(50)).unwrap();
        for _ in 0..SESSIONS_MAX - 1 {
            sessions.begin(ann(), at(10)).unwrap();
        }
        assert_eq!(sessions.sessions().len(), SESSIONS_MAX);
        assert!(sessions.principal(&quiet, at(60)).is_none());
        assert!(sessions.principal(&busy, at(60)).is_some());
    }
}
