//! Whom the client trusts to certify that an endpoint is the database's.

use std::fs;

use lambda_http::http::Uri;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::config::CaBundle;

/// The roots that AWS's endpoints lead to. Loading the platform's some 140 costs a cold start more
/// than all else of the configuration. Source: <https://www.amazontrust.com/repository/>.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// The domain whose endpoints have certificates that these roots sign. Partitions with certificates of other
/// authorities (China, European Sovereign Cloud) have other domains.
const AMAZON_DOMAIN: &str = ".amazonaws.com";

/// The file that the environment names; else Amazon's roots, and the platform's beside them where the endpoint is not
/// known to be Amazon's. Containers without any of their own reach Amazon's endpoints by the former.
///
/// # Errors
/// Where the file is of no use, with its name.
pub fn trusted(endpoint: Option<&str>, bundle: Option<&CaBundle>) -> Result<RootCertStore, String> {
    if let Some(CaBundle { variable, path }) = bundle {
        let pem = fs::read(path).map_err(|error| error.to_string());
        return pem
            .and_then(|pem| parse(&pem))
            .map_err(|error| format!("the file {path}, named by {variable}: {error}"));
    }
    let mut roots = parse(AMAZON_ROOTS)?;
    if !endpoint.is_some_and(is_amazons) {
        // What of them can't be read is left out, as not trusted.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    Ok(roots)
}

fn is_amazons(endpoint: &str) -> bool {
    let url = endpoint.parse::<Uri>().ok();
    url.is_some_and(|url| url.host().is_some_and(|host| host.ends_with(AMAZON_DOMAIN)))
}

fn parse(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| format!("{error:?}"))?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("it has no certificate".to_owned()) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::KeyHash;

    /// SHA-256 of the certificates that Amazon's repository publishes.
    const FINGERPRINTS: [&str; 5] = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];

    #[test]
    fn an_endpoint_of_amazons_is_known_by_its_domain() {
        for url in
            ["https://dynamodb.eu-central-1.amazonaws.com", "https://dynamodb.us-gov-west-1.amazonaws.com/"]
        {
            assert!(is_amazons(url), "{url}");
        }
        for url in [
            "https://dynamodb.cn-north-1.amazonaws.com.cn",
            "https://dynamodb.eusc-de-east-1.amazonaws.eu",
            "https://example.com/.amazonaws.com",
            "http://127.0.0.1:8000",
            "not a URL",
        ] {
            assert!(!is_amazons(url), "{url}");
        }
    }

    #[test]
    fn the_platforms_roots_are_added_for_other_endpoints() {
        let mut platform = RootCertStore::empty();
        platform.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let count = |endpoint| trusted(endpoint, None).unwrap().len();
        assert_eq!(count(Some("https://dynamodb.eu-central-1.amazonaws.com")), FINGERPRINTS.len());
        for endpoint in [None, Some("https://dynamodb.cn-north-1.amazonaws.com.cn")] {
            assert_eq!(count(endpoint), FINGERPRINTS.len() + platform.len());
        }
    }

    #[test]
    fn the_roots_are_those_that_amazon_publishes() {
        parse(AMAZON_ROOTS).unwrap();
        let found = CertificateDer::pem_slice_iter(AMAZON_ROOTS)
            .map(|certificate| KeyHash::of(&certificate.unwrap()).as_str().to_owned());
        assert_eq!(found.collect::<Vec<_>>(), FINGERPRINTS);
    }
}
