//! Masks: which members of a record a reader does not get to see.
//!
//! Each role has a list of JSON Pointers. Somebody with several roles sees what any of them may see, so a place is
//! masked only where every reading role masks it.

use std::collections::BTreeMap;

use causebook_record::Pointer;

use crate::error::AccessError;
use crate::grant::ACCESS_LEDGER;
use crate::permission::Permission;
use crate::principal::Principal;
use crate::role::Role;

/// What an engineer sees masked if nothing else is said, with commas between: engineers work with decisions, not with the
/// people they concern.
pub const ENGINEER_MASK: &str = "/subject";

/// What an admin sees masked if nothing else is said: the content of the case. Decision and score are among it: ids are
/// often application numbers, and an outcome beside one says of a person what running a server does not need. What is
/// left is what operating takes: id, kind, times, source, model, who recorded, and that a record refers to another.
pub const ADMIN_MASK: &str = "/actor,/attachments,/context,/correction,/data,/decision,/erasure,/explanation,/hold,\
                              /input,/notice,/outcome,/output,/parameters,/review,/score,/subject";

/// What an admin sees masked of access records: who read, when, from where and how much is seen; what was asked for and
/// why is not, for that names people.
const ADMIN_ACCESS_MASK: &str = "/access/object,/access/purpose,/access/reason";

/// Lists, links and proofs stand on these, so they are shown to whoever may read at all.
const NEVER_MASKED: [&str; 3] = ["/id", "/index", "/kind"];

/// Which members are masked for which role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskPolicy {
    by_role: BTreeMap<Role, Vec<Pointer>>,
}

impl MaskPolicy {
    /// The defaults, with the lists of `settings` in place of those of the roles that they name. An empty list masks
    /// nothing.
    ///
    /// # Errors
    /// [`AccessError::Mask`] if a text is no pointer, covers a member that is always shown, or is for a role that reads
    /// nothing.
    pub fn new(settings: &BTreeMap<Role, Vec<String>>) -> Result<Self, AccessError> {
        let mut policy = Self::default();
        for (role, texts) in settings {
            let parse = |text: &String| parse(*role, text);
            let pointers = texts.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
            policy.by_role.insert(*role, pointers);
        }
        Ok(policy)
    }

    /// A policy that masks nothing.
    pub fn none() -> Self {
        Self {
            by_role: BTreeMap::new(),
        }
    }

    /// Masks one more place for a role.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn mask(&mut self, role: Role, pointer: Pointer) -> Result<(), AccessError> {
        check(role, &pointer)?;
        self.by_role.entry(role).or_default().push(pointer);
        Ok(())
    }

    /// The mask of one role.
    pub fn of_role(&self, role: Role) -> &[Pointer] {
        self.by_role.get(&role).map_or(&[], Vec::as_slice)
    }

    /// What is masked for somebody on a ledger. Who may not read there at all has everything masked. Settings do not reach
    /// access records: auditors see them whole, and admins do not see what was asked for.
    pub fn of(&self, principal: &Principal, ledger: &str) -> Vec<Pointer> {
        let roles = principal.roles(ledger);
        if ledger != ACCESS_LEDGER {
            return self.of_roles(roles);
        }
        let by_role = BTreeMap::from([(Role::Admin, pointers(ADMIN_ACCESS_MASK))]);
        Self { by_role }.of_roles(roles)
    }

    /// What is masked for somebody with these roles: what each of the reading ones masks.
    pub fn of_roles(&self, roles: impl IntoIterator<Item = Role>) -> Vec<Pointer> {
        let masks: Vec<&[Pointer]> = roles
            .into_iter()
            .filter(|role| role.allows(Permission::Read))
            .map(|role| self.of_role(role))
            .collect();
        if masks.is_empty() {
            return "".parse().into_iter().collect();
        }
        let mut common: Vec<&Pointer> = masks
            .iter()
            .flat_map(|mask| mask.iter())
            .filter(|place| masks.iter().all(|mask| covers(mask, place)))
            .collect();
        common.sort_unstable();
        common.dedup();
        let outermost = common.iter().filter(|place| {
            !common
                .iter()
                .any(|other| other != *place && other.selects(place.as_str()))
        });
        outermost.map(|place| (*place).clone()).collect()
    }
}

impl Default for MaskPolicy {
    fn default() -> Self {
        Self {
            by_role: BTreeMap::from([
                (Role::Engineer, pointers(ENGINEER_MASK)),
                (Role::Admin, pointers(ADMIN_MASK)),
            ]),
        }
    }
}

fn pointers(list: &str) -> Vec<Pointer> {
    list.split(',')
        .filter_map(|text| text.parse().ok())
        .collect()
}

fn covers(mask: &[Pointer], place: &Pointer) -> bool {
    mask.iter().any(|pointer| pointer.selects(place.as_str()))
}

fn parse(role: Role, text: &str) -> Result<Pointer, AccessError> {
    let pointer = text.parse().map_err(|_| AccessError::Mask {
        role,
        pointer: text.to_owned(),
        problem: "it is not a JSON Pointer like /input/ssn",
    })?;
    check(role, &pointer)?;
    Ok(pointer)
}

fn check(role: Role, pointer: &Pointer) -> Result<(), AccessError> {
    let problem = if !role.allows(Permission::Read) {
        "this role reads nothing"
    } else if NEVER_MASKED.iter().any(|shown| pointer.selects(shown)) {
        "/id, /index and /kind are always shown"
    } else {
        return Ok(());
    };
    Err(AccessError::Mask {
        role,
        pointer: pointer.to_string(),
        problem,
    })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::grant::Grant;

    fn texts(pointers: &[Pointer]) -> Vec<&str> {
        pointers.iter().map(Pointer::as_str).collect()
    }

    fn policy(settings: &[(Role, &[&str])]) -> MaskPolicy {
        let settings = settings
            .iter()
            .map(|(role, texts)| (*role, texts.iter().map(|text| (*text).to_owned()).collect()))
            .collect();
        MaskPolicy::new(&settings).unwrap()
    }

    #[test]
    fn by_default_an_admin_sees_no_payload_and_an_engineer_no_subject() {
        let policy = MaskPolicy::default();
        assert_eq!(texts(&policy.of_roles([Role::Engineer])), ["/subject"]);
        assert!(policy.of_roles([Role::Compliance]).is_empty());
        assert!(policy.of_roles([Role::Auditor]).is_empty());
        let admin = policy.of_roles([Role::Admin]);
        assert_eq!(admin.len(), 17, "every text of the list is a pointer");
        for member in [
            "/input",
            "/output",
            "/decision",
            "/score",
            "/subject",
            "/context",
        ] {
            assert!(admin.iter().any(|mask| mask.selects(member)), "{member}");
        }
        for member in [
            "/id",
            "/kind",
            "/time",
            "/model",
            "/recorded",
            "/source",
            "/refers_to",
        ] {
            assert!(!admin.iter().any(|mask| mask.selects(member)), "{member}");
        }
    }

    #[test]
    fn several_roles_see_what_any_of_them_may_see() {
        let policy = policy(&[
            (
                Role::Engineer,
                &["/subject", "/input/person", "/context/user"],
            ),
            (Role::Admin, &["/subject", "/input", "/context/user/name"]),
        ]);
        let both = policy.of_roles([Role::Engineer, Role::Admin]);
        assert_eq!(
            texts(&both),
            ["/context/user/name", "/input/person", "/subject"]
        );
        assert!(policy.of_roles([Role::Admin, Role::Auditor]).is_empty());
    }

    #[test]
    fn a_role_that_reads_nothing_lifts_no_mask() {
        let policy = MaskPolicy::default();
        let masks = policy.of_roles([Role::Engineer, Role::Ingest]);
        assert_eq!(texts(&masks), ["/subject"]);
        assert_eq!(texts(&policy.of_roles([Role::Ingest])), [""]);
        assert_eq!(texts(&policy.of_roles([])), [""]);
    }

    #[test]
    fn settings_replace_the_mask_of_the_role_they_name() {
        let policy = policy(&[(Role::Engineer, &[]), (Role::Auditor, &["/input/ssn"])]);
        assert!(policy.of_roles([Role::Engineer]).is_empty());
        assert_eq!(texts(&policy.of_roles([Role::Auditor])), ["/input/ssn"]);
        assert_eq!(
            policy.of_role(Role::Admin),
            MaskPolicy::default().of_role(Role::Admin)
        );
    }

    #[test]
    fn an_admin_sees_who_read_but_not_what_was_asked_for() {
        let policy = policy(&[(Role::Admin, &[]), (Role::Auditor, &["/access"])]);
        let principal = |roles: &[Role]| {
            Principal::user("ann", vec![Grant::on_all(roles.iter().copied())]).unwrap()
        };
        let admin = policy.of(&principal(&[Role::Admin]), ACCESS_LEDGER);
        assert_eq!(
            texts(&admin),
            ["/access/object", "/access/purpose", "/access/reason"]
        );
        for roles in [&[Role::Auditor][..], &[Role::Auditor, Role::Admin]] {
            assert!(policy.of(&principal(roles), ACCESS_LEDGER).is_empty());
        }
        let engineer = policy.of(&principal(&[Role::Engineer]), ACCESS_LEDGER);
        assert_eq!(texts(&engineer), [""]);
    }

    #[test]
    fn a_policy_can_be_made_mask_by_mask() {
        let mut policy = MaskPolicy::none();
        assert!(policy.of_roles([Role::Admin]).is_empty());
        policy.mask(Role::Admin, "/input".parse().unwrap()).unwrap();
        policy
            .mask(Role::Admin, "/output".parse().unwrap())
            .unwrap();
        assert_eq!(
            texts(&policy.of_roles([Role::Admin])),
            ["/input", "/output"]
        );
        assert!(policy.mask(Role::Admin, "/id".parse().unwrap()).is_err());
        assert!(
            policy
                .mask(Role::Ingest, "/input".parse().unwrap())
                .is_err()
        );
    }

    #[test]
    fn a_mask_that_cannot_be_followed_is_refused() {
        for (role, text) in [
            (Role::Engineer, "subject"),
            (Role::Engineer, "/a~2"),
            (Role::Engineer, ""),
            (Role::Engineer, "/id"),
            (Role::Engineer, "/kind"),
            (Role::Ingest, "/subject"),
        ] {
            let settings = BTreeMap::from([(role, vec![text.to_owned()])]);
            let error = MaskPolicy::new(&settings).unwrap_err();
            assert_eq!(error.code(), "invalid-mask", "{text:?}");
            assert!(error.to_string().contains(role.as_str()), "{error}");
        }
    }

    fn place() -> impl Strategy<Value = String> {
        vec(prop_oneof!["a", "b", "ab"], 1..4).prop_map(|tokens| format!("/{}", tokens.join("/")))
    }

    proptest! {
        #[test]
        fn a_place_is_masked_exactly_if_every_reading_role_masks_it(
            engineer in vec(place(), 0..4),
            auditor in vec(place(), 0..4),
            admin in vec(place(), 0..4),
            path in place(),
        ) {
            let roles = [Role::Engineer, Role::Auditor, Role::Admin];
            let settings = roles.into_iter().zip([engineer, auditor, admin]).collect();
            let policy = MaskPolicy::new(&settings).unwrap();
            let masked = |mask: &[Pointer]| mask.iter().any(|pointer| pointer.selects(&path));
            let common = policy.of_roles(roles);
            let expected = roles.iter().all(|role| masked(policy.of_role(*role)));
            prop_assert_eq!(masked(&common), expected);
            for (place, pointer) in common.iter().enumerate() {
                let rest = common.iter().enumerate().filter(|(other, _)| *other != place);
                for (_, other) in rest {
                    prop_assert!(!other.selects(pointer.as_str()), "{} under {}", pointer, other);
                }
            }
        }
    }
}
