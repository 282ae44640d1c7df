//! Trust policies ([c2sp.org/tlog-policy](https://c2sp.org/tlog-policy)): which logs are accepted, which witnesses are
//! known, and which of them together are enough. A policy that parses is complete; where it comes from is the caller's.

use crate::TlogError;
use crate::checkpoint::Checkpoint;
use crate::note::{Note, VerifiedSignature};
use crate::text::parse_decimal;
use crate::verifier::Verifier;

/// Longest policy file that is read, in bytes.
pub const POLICY_BYTES_MAX: usize = 1 << 20;

/// Most logs, and most witnesses and groups together, in a policy. The specification asks for 32 of each at least.
pub const POLICY_NAMES_MAX: usize = 256;

/// Which checkpoints to accept.
#[derive(Clone, Debug)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    /// In order of definition, so that a member always stands before its group.
    names: Vec<Named>,
    quorum: Quorum,
}

/// A log that a policy accepts.
#[derive(Clone, Debug)]
pub struct PolicyLog {
    /// Its key; the key's name is the log's origin.
    pub verifier: Verifier,
    /// Where it is, as the file says it.
    pub url: Option<Vec<u8>>,
}

/// A witness that a policy knows.
#[derive(Clone, Debug)]
pub struct PolicyWitness {
    /// What the policy calls it: bytes, not necessarily UTF-8.
    pub name: Vec<u8>,
    /// Its key.
    pub verifier: Verifier,
    /// Where it is, as the file says it.
    pub url: Option<Vec<u8>>,
}

/// Which of the names must have cosigned.
#[derive(Clone, Copy, Debug)]
enum Quorum {
    None,
    Name(usize),
}

#[derive(Clone, Debug)]
enum Named {
    Witness(Box<PolicyWitness>),
    /// Satisfied when `threshold` of the names at these positions are.
    Group {
        name: Vec<u8>,
        threshold: usize,
        members: Vec<usize>,
    },
}

impl Named {
    fn name(&self) -> &[u8] {
        match self {
            Named::Witness(witness) => &witness.name,
            Named::Group { name, .. } => name,
        }
    }
}

impl Policy {
    /// The policy that accepts one log without cosignatures.
    pub fn of_log(verifier: Verifier) -> Policy {
        Policy {
            logs: vec![PolicyLog {
                verifier,
                url: None,
            }],
            names: Vec::new(),
            quorum: Quorum::None,
        }
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// [`TlogError::Policy`] with the line of the fault, or [`TlogError::TooLong`].
    pub fn parse(file: &[u8]) -> Result<Policy, TlogError> {
        if file.len() > POLICY_BYTES_MAX {
            return Err(TlogError::TooLong {
                what: "policy",
                limit: POLICY_BYTES_MAX,
            });
        }
        let mut draft = Draft::default();
        let mut lines = 0;
        for (line, number) in file.split_inclusive(|byte| *byte == b'\n').zip(1..) {
            draft.read_line(line).map_err(|problem| TlogError::Policy {
                line: number,
                problem,
            })?;
            lines = number;
        }
        let quorum = draft.quorum.ok_or(TlogError::Policy {
            line: lines + 1,
            problem: "no quorum line",
        })?;
        Ok(Policy {
            logs: draft.logs,
            names: draft.names,
            quorum,
        })
    }

    /// The logs, in order.
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses, in order.
    pub fn witnesses(&self) -> impl Iterator<Item = &PolicyWitness> {
        self.names.iter().filter_map(|named| match named {
            Named::Witness(witness) => Some(witness.as_ref()),
            Named::Group { .. } => None,
        })
    }

    /// Checks a signed checkpoint: signed by one of the logs under its own name as origin, and cosigned by a quorum.
    /// Extension lines are ignored.
    ///
    /// # Errors
    /// [`TlogError::UnknownLog`], [`TlogError::QuorumMissed`], and what [`Note::verify`] and
    /// [`Checkpoint::parse_with_extensions`] fail with.
    pub fn check(&self, note: &Note) -> Result<(Checkpoint, Vec<VerifiedSignature>), TlogError> {
        let logs = self.logs.iter().map(|log| &log.verifier);
        let verifiers: Vec<Verifier> = logs
            .chain(self.witnesses().map(|witness| &witness.verifier))
            .cloned()
            .collect();
        let signatures = note.verify(&verifiers)?;
        let (checkpoint, _) = Checkpoint::parse_with_extensions(note.text())?;

        let signed_by = |verifier: &Verifier| {
            signatures.iter().any(|signature| {
                signature.name == verifier.name() && signature.key_id == verifier.key_id()
            })
        };
        if !self
            .logs
            .iter()
            .any(|log| log.verifier.name() == checkpoint.origin && signed_by(&log.verifier))
        {
            return Err(TlogError::UnknownLog {
                origin: checkpoint.origin,
            });
        }
        let mut satisfied: Vec<bool> = Vec::with_capacity(self.names.len());
        for named in &self.names {
            satisfied.push(match named {
                Named::Witness(witness) => signed_by(&witness.verifier),
                Named::Group {
                    threshold, members, ..
                } => {
                    let holds = |member: &&usize| satisfied.get(**member) == Some(&true);
                    members.iter().filter(holds).count() >= *threshold
                }
            });
        }
        let reached = match self.quorum {
            Quorum::None => true,
            Quorum::Name(position) => satisfied.get(position) == Some(&true),
        };
        if !reached {
            let cosigned = self
                .witnesses()
                .filter(|witness| signed_by(&witness.verifier))
                .count();
            return Err(TlogError::QuorumMissed { cosigned });
        }
        Ok((checkpoint, signatures))
    }
}

/// A policy while its lines are read.
#[derive(Default)]
struct Draft {
    logs: Vec<PolicyLog>,
    names: Vec<Named>,
    /// Positions of names that are members of a group already.
    taken: Vec<usize>,
    /// The quorum line, once read.
    quorum: Option<Quorum>,
}

impl Draft {
    fn read_line(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let line = line
            .strip_suffix(b"\n")
            .ok_or("the last line has no newline")?;
        if line
            .iter()
            .any(|byte| matches!(byte, 0..=8 | 10..=31 | 127))
        {
            return Err("a control character other than tab");
        }
        let items: Vec<&[u8]> = line
            .split(|byte| matches!(byte, b' ' | b'\t'))
            .filter(|item| !item.is_empty())
            .collect();
        match items.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", vkey] => self.add_log(vkey, None),
            [b"log", vkey, url] => self.add_log(vkey, Some(url)),
            [b"witness", name, vkey] => self.add_witness(name, vkey, None),
            [b"witness", name, vkey, url] => self.add_witness(name, vkey, Some(url)),
            [b"group", name, threshold, members @ ..] => self.add_group(name, threshold, members),
            [b"quorum", name] => self.set_quorum(name),
            [b"log" | b"witness" | b"group" | b"quorum", ..] => {
                Err("wrong number of items for this keyword")
            }
            _ => Err("expected log, witness, group or quorum"),
        }
    }

    fn add_log(&mut self, vkey: &[u8], url: Option<&&[u8]>) -> Result<(), &'static str> {
        let verifier = parse_vkey(vkey)?;
        if self.logs.len() == POLICY_NAMES_MAX {
            return Err("more than 256 logs");
        }
        if self
            .logs
            .iter()
            .any(|log| log.verifier.public_key() == verifier.public_key())
        {
            return Err("a log with this key is already listed");
        }
        self.logs.push(PolicyLog {
            verifier,
            url: url.map(|url| url.to_vec()),
        });
        Ok(())
    }

    fn add_witness(
        &mut self,
        name: &[u8],
        vkey: &[u8],
        url: Option<&&[u8]>,
    ) -> Result<(), &'static str> {
        let verifier = parse_vkey(vkey)?;
        if !verifier.algorithm().is_cosignature() {
            return Err("a witness needs a cosigning key (type 0x04 or 0x06)");
        }
        let same_key = |named: &Named| match named {
            Named::Witness(other) => other.verifier.public_key() == verifier.public_key(),
            Named::Group { .. } => false,
        };
        if self.names.iter().any(same_key) {
            return Err("a witness with this key is already listed");
        }
        let url = url.map(|url| url.to_vec());
        self.define(Named::Witness(Box::new(PolicyWitness {
            name: name.to_vec(),
            verifier,
            url,
        })))
    }

    fn add_group(
        &mut self,
        name: &[u8],
        threshold: &[u8],
        members: &[&[u8]],
    ) -> Result<(), &'static str> {
        let mut positions = Vec::with_capacity(members.len().min(POLICY_NAMES_MAX));
        for member in members {
            let position = self
                .position(member)
                .ok_or("a member is not defined before this line")?;
            if self.taken.contains(&position) {
                return Err("a name is a member of a group twice");
            }
            self.taken.push(position);
            positions.push(position);
        }
        let count = positions.len();
        let threshold = match threshold {
            b"any" => Some(1),
            b"all" => Some(count),
            number => str::from_utf8(number)
                .ok()
                .and_then(parse_decimal)
                .and_then(|k| usize::try_from(k).ok()),
        };
        let threshold = threshold.filter(|k| (1..=count).contains(k));
        let threshold =
            threshold.ok_or("a group needs members, and 'any', 'all' or a number of them")?;
        self.define(Named::Group {
            name: name.to_vec(),
            threshold,
            members: positions,
        })
    }

    fn set_quorum(&mut self, name: &[u8]) -> Result<(), &'static str> {
        if self.quorum.is_some() {
            return Err("a second quorum line");
        }
        self.quorum = Some(match name {
            b"none" => Quorum::None,
            name => Quorum::Name(
                self.position(name)
                    .ok_or("the quorum is not defined before this line")?,
            ),
        });
        Ok(())
    }

    fn define(&mut self, named: Named) -> Result<(), &'static str> {
        if named.name() == b"none" {
            return Err("the name 'none' is reserved");
        }
        if self.position(named.name()).is_some() {
            return Err("this name is already defined");
        }
        if self.names.len() == POLICY_NAMES_MAX {
            return Err("more than 256 witnesses and groups");
        }
        self.names.push(named);
        Ok(())
    }

    fn position(&self, name: &[u8]) -> Option<usize> {
        self.names.iter().position(|named| named.name() == name)
    }
}

fn parse_vkey(vkey: &[u8]) -> Result<Verifier, &'static str> {
    let vkey = str::from_utf8(vkey).map_err(|_| "the key is not UTF-8")?;
    Verifier::parse(vkey).map_err(|_| "not a verifier key of a known type")
}
