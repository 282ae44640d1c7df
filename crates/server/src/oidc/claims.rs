//! What the claims of a verified ID token mean here: a name, and grants.

use causebook_access::{Grant, Principal};
use serde_json::{Map, Value};

use super::error::LoginError;
use super::settings::OidcSettings;

/// Most values of the claim that are looked at: people are in hundreds of groups, not in thousands.
const VALUES_MAX: usize = 10_000;

/// The claims of an ID token whose signature, issuer, audience, nonce and times were checked.
pub(super) type Claims = Map<String, Value>;

/// Whom the claims are about and what that person may do here.
///
/// # Errors
/// [`LoginError::NoRole`] if no rule fits; [`LoginError::Token`] if there is no usable name.
pub(super) fn principal(claims: &Claims, settings: &OidcSettings) -> Result<Principal, LoginError> {
    let name = name(claims).ok_or_else(|| LoginError::Token("it names nobody".to_owned()))?;
    let grants = grants(claims, settings);
    if grants.is_empty() {
        return Err(LoginError::NoRole {
            who: name.to_owned(),
        });
    }
    Principal::user(name, grants).map_err(|error| LoginError::Token(error.to_string()))
}

/// The address if the provider vouches for it, else the subject, which is unique at the provider and says little to
/// people. Names that people choose for themselves are not taken: they could choose somebody else's.
fn name(claims: &Claims) -> Option<&str> {
    verified_email(claims)
        .or_else(|| claims.get("sub").and_then(Value::as_str))
        .filter(|name| !name.is_empty())
}

/// Providers that check every address leave `email_verified` out; some write it as text.
fn verified_email(claims: &Claims) -> Option<&str> {
    let is_refuted = match claims.get("email_verified") {
        None => false,
        Some(Value::Bool(verified)) => !verified,
        Some(Value::String(text)) => text != "true",
        Some(_) => true,
    };
    claims
        .get("email")
        .and_then(Value::as_str)
        .filter(|_| !is_refuted)
}

fn grants(claims: &Claims, settings: &OidcSettings) -> Vec<Grant> {
    let values = values(claims, &settings.role_claim);
    settings
        .rules
        .iter()
        .filter(|rule| values.contains(&rule.value.as_str()))
        .map(|rule| rule.grant.clone())
        .collect()
}

/// The values of a claim: a text or a list of texts, at the top or where a JSON Pointer leads.
fn values<'a>(claims: &'a Claims, claim: &str) -> Vec<&'a str> {
    if claim == "email" {
        return verified_email(claims).into_iter().collect();
    }
    let found = match claim.strip_prefix('/') {
        Some(rest) => {
            let (member, below) = rest.split_once('/').unwrap_or((rest, ""));
            let member = member.replace("~1", "/").replace("~0", "~");
            let at = |value: &'a Value| match below {
                "" => Some(value),
                below => value.pointer(&format!("/{below}")),
            };
            claims.get(&member).and_then(at)
        }
        None => claims.get(claim),
    };
    match found {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => list
            .iter()
            .take(VALUES_MAX)
            .filter_map(Value::as_str)
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use causebook_access::{Ledgers, Permission, Role};
    use serde_json::json;

    use super::super::settings::ClaimRule;
    use super::super::settings::tests::settings;
    use super::*;

    fn claims(value: Value) -> Claims {
        value.as_object().unwrap().clone()
    }

    fn rule(value: &str, ledgers: Ledgers, role: Role) -> ClaimRule {
        ClaimRule {
            value: value.to_owned(),
            grant: Grant::new(ledgers, [role]).unwrap(),
        }
    }

    #[test]
    fn groups_become_roles_on_ledgers() {
        let mut settings = settings();
        settings.rules = vec![
            rule("risk", Ledgers::named(["loans"]), Role::Compliance),
            rule("builders", Ledgers::All, Role::Engineer),
            rule("board", Ledgers::All, Role::Auditor),
        ];
        let ann = json!({"sub": "17", "email": "ann@bank.example", "groups": ["risk", "builders", "golf"]});
        let ann = principal(&claims(ann), &settings).unwrap();
        assert_eq!(ann.name(), "user:ann@bank.example");
        assert!(
            ann.allows(Permission::Reveal, "loans") && !ann.allows(Permission::Reveal, "cards")
        );
        assert!(ann.allows(Permission::Sql, "cards") && !ann.allows(Permission::Export, "cards"));
    }

    #[test]
    fn who_is_in_no_group_that_means_something_is_not_let_in() {
        for groups in [
            json!([]),
            json!(["auditor", "Auditors", "auditors2"]),
            json!("x"),
            json!(7),
            json!([["auditors"]]),
            json!({"auditors": true}),
            Value::Null,
        ] {
            let claims =
                claims(json!({"sub": "17", "email": "ann@bank.example", "groups": groups}));
            let refused = principal(&claims, &settings()).unwrap_err();
            assert!(matches!(&refused, LoginError::NoRole { who } if who == "ann@bank.example"));
        }
        let none = claims(json!({"sub": "17"}));
        assert!(principal(&none, &settings()).is_err());
    }

    #[test]
    fn an_address_that_nobody_checked_is_no_name_and_gives_no_role() {
        let with = |verified: Value| {
            claims(json!({
                "sub": "17", "email": "boss@bank.example", "email_verified": verified, "groups": ["auditors"],
            }))
        };
        let mut by_address = settings();
        by_address.role_claim = "email".to_owned();
        by_address.rules = vec![rule("boss@bank.example", Ledgers::All, Role::Admin)];
        for good in [json!(true), json!("true")] {
            let known = principal(&with(good.clone()), &settings()).unwrap();
            assert_eq!(known.name(), "user:boss@bank.example");
            assert!(principal(&with(good), &by_address).is_ok());
        }
        for bad in [
            json!(false),
            json!("false"),
            json!(""),
            Value::Null,
            json!(1),
        ] {
            let known = principal(&with(bad.clone()), &settings()).unwrap();
            assert_eq!(known.name(), "user:17");
            assert!(principal(&with(bad), &by_address).is_err());
        }
    }

    #[test]
    fn the_claim_may_lie_deeper() {
        let mut settings = settings();
        settings.role_claim = "/realm_access/roles".to_owned();
        let deep = claims(json!({"sub": "17", "realm_access": {"roles": ["auditors"]}}));
        assert!(principal(&deep, &settings).is_ok());
        settings.role_claim = "/https:~1~1bank.example~1roles".to_owned();
        let named = claims(json!({"sub": "17", "https://bank.example/roles": "auditors"}));
        assert!(principal(&named, &settings).is_ok());
    }

    #[test]
    fn a_token_that_names_nobody_or_breaks_a_line_is_refused() {
        for who in [
            json!({}),
            json!({"sub": ""}),
            json!({"sub": 17}),
            json!({"sub": "a\nb"}),
        ] {
            let mut all = who.as_object().unwrap().clone();
            all.insert("groups".to_owned(), json!(["auditors"]));
            let refused = principal(&all, &settings()).unwrap_err();
            assert!(matches!(refused, LoginError::Token(_)), "{refused}");
        }
    }
}
