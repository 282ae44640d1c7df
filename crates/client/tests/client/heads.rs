//! A head is held against its keys and against what was seen: contradictions are faults, and nothing else is.

use causebook_client::{ClientError, HeadError, HeadFault, KnownHead};
use causebook_tlog::{
    Checkpoint, Ed25519Signer, Hash, Signer, TlogError, consistency_proof, hash_leaf, root,
    sign_checkpoint,
};
use serde_json::json;

use crate::server::{Reply, Server, ok, problem, whole};

const ORIGIN: &str = "example.com/book";

/// A log in miniature.
struct Log {
    leaves: Vec<Hash>,
    signer: Ed25519Signer,
}

impl Log {
    fn new(entries: &[&str]) -> Log {
        Log {
            leaves: entries.iter().map(|it| hash_leaf(it.as_bytes())).collect(),
            signer: Ed25519Signer::from_seed(ORIGIN, &[7; 32]).unwrap(),
        }
    }

    fn known(&self) -> KnownHead {
        KnownHead {
            keys: vec![self.signer.verifier().vkey()],
            size: self.leaves.len() as u64,
            root: root(&self.leaves),
        }
    }

    fn info(&self) -> Reply {
        let info = json!({
            "name": "main", "origin": ORIGIN, "created": "2026-01-01T00:00:00Z", "size": self.leaves.len(),
            "in_table": 0, "keys": [self.signer.verifier().vkey()], "checkpoint": null
        });
        ok(&info.to_string())
    }

    fn checkpoint(&self) -> Reply {
        let head = Checkpoint {
            origin: ORIGIN.to_owned(),
            size: self.leaves.len() as u64,
            root: root(&self.leaves),
        };
        let note = sign_checkpoint(&head, &[&self.signer], 0).unwrap();
        whole(200, "text/plain; charset=utf-8", &note)
    }

    fn consistency(&self, from: u64) -> Reply {
        let to = self.leaves.len() as u64;
        let proof = consistency_proof::<TlogError>(from, to, &mut |level, index| {
            let width = 1_usize << level;
            let start = index as usize * width;
            Ok(root(&self.leaves[start..start + width]))
        });
        let proof: Vec<String> = proof.unwrap().iter().map(Hash::to_string).collect();
        ok(
            &json!({ "from": from, "to": to, "from_root": "", "to_root": "", "proof": proof })
                .to_string(),
        )
    }
}

fn fault(server: &Server, known: KnownHead) -> HeadFault {
    match server.ledger().head(|_| vec![known]).unwrap_err() {
        HeadError::Fault(fault) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_head_that_continues_the_one_seen_is_taken() {
    let (old, new) = (
        Log::new(&["a", "b", "c"]),
        Log::new(&["a", "b", "c", "d", "e"]),
    );
    let server = Server::of(vec![new.info(), new.checkpoint(), new.consistency(3)]);
    let head = server
        .ledger()
        .head(|origin| {
            assert_eq!(origin, ORIGIN);
            vec![old.known()]
        })
        .unwrap();
    assert_eq!(head.continues, Some(3));
    assert_eq!(head.checkpoint.unwrap().size, 5);
}

#[test]
fn the_first_head_is_taken_on_trust_but_not_unsigned() {
    let log = Log::new(&["a"]);
    let server = Server::of(vec![log.info(), log.checkpoint()]);
    assert_eq!(
        server.ledger().head(|_| Vec::new()).unwrap().continues,
        None
    );

    let other = Log {
        signer: Ed25519Signer::from_seed(ORIGIN, &[8; 32]).unwrap(),
        leaves: Vec::new(),
    };
    let server = Server::of(vec![log.info(), other.checkpoint()]);
    let error = server.ledger().head(|_| Vec::new()).unwrap_err();
    assert!(
        matches!(error, HeadError::Fault(HeadFault::WrongKey { .. })),
        "{error:?}"
    );
}

#[test]
fn another_history_is_a_fork() {
    let (seen, new) = (Log::new(&["a", "x", "c"]), Log::new(&["a", "b", "c", "d"]));
    let server = Server::of(vec![new.info(), new.checkpoint(), new.consistency(3)]);
    assert!(matches!(
        fault(&server, seen.known()),
        HeadFault::Forked { .. }
    ));
    let same_size = Log::new(&["a", "b", "x", "d"]);
    let server = Server::of(vec![new.info(), new.checkpoint()]);
    assert!(matches!(
        fault(&server, same_size.known()),
        HeadFault::Forked { .. }
    ));
}

#[test]
fn a_shorter_log_was_rolled_back() {
    let (seen, now) = (Log::new(&["a", "b", "c"]), Log::new(&["a", "b"]));
    let server = Server::of(vec![now.info(), now.checkpoint()]);
    assert_eq!(
        fault(&server, seen.known()),
        HeadFault::RolledBack { size: 2, seen: 3 }
    );
    let empty = Log::new(&[]);
    let server = Server::of(vec![empty.info(), problem(409, "not-covered-yet", "")]);
    assert_eq!(
        fault(&server, seen.known()),
        HeadFault::RolledBack { size: 0, seen: 3 }
    );
}

#[test]
fn other_keys_than_before_are_not_taken() {
    let log = Log::new(&["a"]);
    let known = KnownHead {
        keys: vec![
            Ed25519Signer::from_seed(ORIGIN, &[9; 32])
                .unwrap()
                .verifier()
                .vkey(),
        ],
        ..log.known()
    };
    let server = Server::of(vec![log.info()]);
    assert!(matches!(fault(&server, known), HeadFault::WrongKey { .. }));
}

#[test]
fn what_the_network_does_is_never_a_fault_of_the_ledger() {
    let (old, new) = (Log::new(&["a", "b", "c"]), Log::new(&["a", "b", "c", "d"]));
    let broken = [
        Reply::Hang,
        whole(502, "text/html", "<html>"),
        whole(200, "text/html", "<html>"),
        problem(403, "forbidden", ""),
        Reply::Bytes(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"
                .to_vec(),
        ),
    ];
    for reply in broken {
        let server = Server::of(vec![new.info(), new.checkpoint(), reply]);
        let error = server.ledger().head(|_| vec![old.known()]).unwrap_err();
        assert!(matches!(error, HeadError::Client(_)), "{error:?}");
    }
    let server = Server::of(vec![
        new.info(),
        whole(200, "text/html", "<html>Sign in</html>"),
    ]);
    let error = server.ledger().head(|_| vec![old.known()]).unwrap_err();
    assert!(matches!(error, HeadError::Client(_)), "{error:?}");
    let server = Server::of(vec![new.info(), problem(404, "no-ledger", "")]);
    let error = server.ledger().head(|_| vec![old.known()]).unwrap_err();
    assert!(
        matches!(error, HeadError::Client(ClientError::Refused(_))),
        "{error:?}"
    );
}
