//! The names in a client certificate, for the rules that say which service is which.

use causebook_access::CertificateNames;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// The names in a certificate that was verified. `None` if they cannot be read: a certificate that means different
/// things to different readers is nobody's.
pub fn names(certificate: &CertificateDer<'_>) -> Option<CertificateNames> {
    let (rest, parsed) = X509Certificate::from_der(certificate).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let mut names = CertificateNames::default();
    let mut common_names = parsed.subject().iter_common_name();
    if let Some(name) = common_names.next() {
        names.common_name = Some(name.as_str().ok()?.to_owned());
    }
    if common_names.next().is_some() {
        return None;
    }
    if let Some(alternatives) = parsed.subject_alternative_name().ok()? {
        for name in &alternatives.value.general_names {
            match name {
                GeneralName::DNSName(name) => names.dns.push((*name).to_owned()),
                GeneralName::URI(uri) => names.uris.push((*uri).to_owned()),
                _ => {}
            }
        }
    }
    Some(names)
}
