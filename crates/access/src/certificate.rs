//! Client certificates: which service is which, by the names in a certificate that was verified before.
//!
//! Names are compared whole. There are no wildcards: a rule that should fit many services would give them one name in
//! the records.

use crate::error::AccessError;
use crate::grant::Grant;
use crate::principal::Principal;
use crate::token::check_name;

/// The names in a certificate that its authority vouches for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateNames {
    /// Common name of the subject.
    pub common_name: Option<String>,
    /// Subject alternative names that are DNS names.
    pub dns: Vec<String>,
    /// Subject alternative names that are URIs, for example SPIFFE ids.
    pub uris: Vec<String>,
}

/// A name by which a service is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateName {
    /// The common name, letter by letter.
    CommonName(String),
    /// One of the DNS names, in capitals or not.
    Dns(String),
    /// One of the URIs, letter by letter.
    Uri(String),
}

/// That a certificate with a given name is a given service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRule {
    /// The name that the service has in records, after `cert:`.
    pub name: String,
    /// What its certificate says.
    pub certificate: CertificateName,
    /// What it may do.
    pub grants: Vec<Grant>,
}

/// The rules, in the order of the settings.
#[derive(Clone, Debug, Default)]
pub struct CertificateMap {
    rules: Vec<CertificateRule>,
}

impl CertificateMap {
    /// Takes rules that can be followed.
    ///
    /// # Errors
    /// [`AccessError::CertificateRule`].
    pub fn new(rules: Vec<CertificateRule>) -> Result<Self, AccessError> {
        for (place, rule) in rules.iter().enumerate() {
            let refused = |problem| AccessError::CertificateRule {
                name: rule.name.clone(),
                problem,
            };
            check_name(&rule.name)?;
            if rule.grants.is_empty() {
                return Err(refused("it grants nothing"));
            }
            if rule.certificate.text().is_empty() {
                return Err(refused(
                    "an empty name would fit any certificate without one",
                ));
            }
            let before = rules.iter().take(place);
            if before
                .into_iter()
                .any(|other| other.certificate == rule.certificate)
            {
                return Err(refused("an earlier rule is for the same certificates"));
            }
        }
        Ok(Self { rules })
    }

    /// Who showed this certificate: by the first rule that fits, or nobody.
    pub fn principal(&self, names: &CertificateNames) -> Option<Principal> {
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.certificate.is_in(names))?;
        Principal::certificate(&rule.name, rule.grants.clone()).ok()
    }
}

impl CertificateName {
    fn text(&self) -> &str {
        match self {
            Self::CommonName(text) | Self::Dns(text) | Self::Uri(text) => text,
        }
    }

    fn is_in(&self, names: &CertificateNames) -> bool {
        match self {
            Self::CommonName(wanted) => names.common_name.as_ref() == Some(wanted),
            Self::Dns(wanted) => names
                .dns
                .iter()
                .any(|name| name.eq_ignore_ascii_case(wanted)),
            Self::Uri(wanted) => names.uris.contains(wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::Ledgers;
    use crate::permission::Permission;
    use crate::role::Role;

    fn rule(name: &str, certificate: CertificateName) -> CertificateRule {
        CertificateRule {
            name: name.to_owned(),
            certificate,
            grants: vec![Grant::new(Ledgers::named(["loans"]), [Role::Ingest]).unwrap()],
        }
    }

    #[test]
    fn a_service_is_known_by_one_exact_name() {
        let map = CertificateMap::new(vec![
            rule(
                "loans-api",
                CertificateName::CommonName("loans-api".to_owned()),
            ),
            rule(
                "cards-api",
                CertificateName::Dns("cards.bank.example".to_owned()),
            ),
            rule(
                "batch",
                CertificateName::Uri("spiffe://bank.example/batch".to_owned()),
            ),
        ])
        .unwrap();
        let who = |names: CertificateNames| {
            map.principal(&names)
                .map(|principal| principal.name().to_owned())
        };
        let common_name = |text: &str| CertificateNames {
            common_name: Some(text.to_owned()),
            ..CertificateNames::default()
        };
        let dns = |text: &str| CertificateNames {
            dns: vec!["other".to_owned(), text.to_owned()],
            ..CertificateNames::default()
        };
        let uri = |text: &str| CertificateNames {
            uris: vec![text.to_owned()],
            ..CertificateNames::default()
        };
        assert_eq!(who(common_name("loans-api")).unwrap(), "cert:loans-api");
        assert_eq!(who(dns("Cards.Bank.Example")).unwrap(), "cert:cards-api");
        assert_eq!(
            who(uri("spiffe://bank.example/batch")).unwrap(),
            "cert:batch"
        );
        for names in [
            CertificateNames::default(),
            common_name(""),
            common_name("Loans-api"),
            common_name("cards.bank.example"),
            dns("loans-api"),
            dns("x.cards.bank.example"),
            uri("spiffe://bank.example/batch/"),
            uri("spiffe://BANK.example/batch"),
        ] {
            assert_eq!(who(names.clone()), None, "{names:?}");
        }
        let loans = map.principal(&common_name("loans-api")).unwrap();
        assert!(loans.allows(Permission::Append, "loans"));
        assert!(!loans.allows(Permission::Append, "cards"));
    }

    #[test]
    fn rules_that_would_let_in_the_wrong_ones_are_refused() {
        let common_name = || CertificateName::CommonName("x".to_owned());
        let empty = rule("a", CertificateName::CommonName(String::new()));
        assert!(CertificateMap::new(vec![empty]).is_err());
        let bad_name = rule("a b", common_name());
        assert!(CertificateMap::new(vec![bad_name]).is_err());
        let mut nothing = rule("a", common_name());
        nothing.grants.clear();
        assert!(CertificateMap::new(vec![nothing]).is_err());
        let twice = vec![rule("a", common_name()), rule("b", common_name())];
        assert!(CertificateMap::new(twice).is_err());
    }
}
