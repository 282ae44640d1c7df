//! Handshakes with certificates made for each test, over real sockets.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use rustls::ClientConfig;
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

struct Leaf {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

fn leaf(authority: &Authority, common_name: &str, alternatives: Vec<SanType>) -> Leaf {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.subject_alt_names = alternatives;
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    Leaf { certificate, key }
}

fn server_leaf(authority: &Authority) -> Leaf {
    let name = SanType::DnsName("localhost".try_into().unwrap());
    leaf(authority, "server", vec![name])
}

/// A folder with a server's files.
struct Place {
    folder: TempDir,
    files: TlsFiles,
}

impl Place {
    fn new(server: &Leaf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("server.pem"),
            key: folder.path().join("server.key"),
            client_ca: None,
            client_required: false,
        };
        let place = Self { folder, files };
        place.install(server);
        place
    }

    fn install(&self, server: &Leaf) {
        self.write("server.pem", &server.certificate.pem());
        self.write("server.key", &server.key.serialize_pem());
    }

    fn believing(mut self, clients: &Authority, required: bool) -> Self {
        self.write("clients.pem", &clients.pem());
        self.files.client_ca = Some(self.path("clients.pem"));
        self.files.client_required = required;
        self
    }

    /// Written beside and moved, as certificates are replaced.
    fn write(&self, name: &str, text: &str) {
        let new = self.path("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path(name)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn load(&self) -> Tls {
        Tls::load(self.files.clone(), &["h2", "http/1.1"]).unwrap()
    }
}

fn client(authority: &Authority, own: Option<&Leaf>) -> Arc<ClientConfig> {
    client_of_versions(authority, own, &[&TLS13, &TLS12])
}

fn client_of_versions(
    authority: &Authority,
    own: Option<&Leaf>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(leaf) => {
            let key = PrivatePkcs8KeyDer::from(leaf.key.serialize_der());
            builder
                .with_client_auth_cert(vec![leaf.certificate.der().clone()], key.into())
                .unwrap()
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

type ServerEnd = tokio_rustls::server::TlsStream<TcpStream>;
type ClientEnd = tokio_rustls::client::TlsStream<TcpStream>;

/// Both ends of a connection, or what each of them said. A client learns of its refusal when it first reads.
async fn connect(tls: &Tls, config: Arc<ClientConfig>) -> Result<(ServerEnd, ClientEnd), String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(tls.config());
    let accepting = async {
        let (socket, _) = listener.accept().await.unwrap();
        acceptor.accept(socket).await
    };
    let connecting = async {
        let socket = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(config).connect(name, socket).await
    };
    match tokio::join!(accepting, connecting) {
        (Ok(server), Ok(client)) => Ok((server, client)),
        (server, client) => Err(format!("{:?} {:?}", server.err(), client.err())),
    }
}

async fn exchange(server: &mut ServerEnd, client: &mut ClientEnd) {
    let mut buffer = [0; 4];
    client.write_all(b"ping").await.unwrap();
    client.flush().await.unwrap();
    server.read_exact(&mut buffer).await.unwrap();
    server.write_all(&buffer).await.unwrap();
    server.flush().await.unwrap();
    client.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"ping");
}

fn certificate_seen(client: &ClientEnd) -> CertificateDer<'static> {
    client.get_ref().1.peer_certificates().unwrap()[0]
        .clone()
        .into_owned()
}

#[tokio::test]
async fn a_connection_is_made_by_tls_1_3_and_by_tls_1_2() {
    let authority = authority("bank");
    let tls = Place::new(&server_leaf(&authority)).load();
    for version in [&TLS13, &TLS12] {
        let config = client_of_versions(&authority, None, &[version]);
        let (mut server, mut client) = connect(&tls, config).await.unwrap();
        exchange(&mut server, &mut client).await;
        assert_eq!(server.get_ref().1.protocol_version(), Some(version.version));
        assert_eq!(server.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
}

#[tokio::test]
async fn a_new_certificate_is_used_by_new_connections_while_old_ones_live() {
    let authority = authority("bank");
    let (first, second) = (server_leaf(&authority), server_leaf(&authority));
    let place = Place::new(&first);
    let tls = place.load();
    let config = client(&authority, None);
    let (mut server, mut client) = connect(&tls, Arc::clone(&config)).await.unwrap();
    exchange(&mut server, &mut client).await;
    assert!(!tls.reload_if_changed().unwrap());

    place.install(&second);
    assert!(tls.reload_if_changed().unwrap());
    assert!(!tls.reload_if_changed().unwrap());
    let (mut new_server, mut new_client) = connect(&tls, config).await.unwrap();
    exchange(&mut new_server, &mut new_client).await;
    exchange(&mut server, &mut client).await;
    assert_eq!(&certificate_seen(&client), first.certificate.der());
    assert_eq!(&certificate_seen(&new_client), second.certificate.der());
}

#[tokio::test]
async fn files_that_cannot_be_used_leave_the_old_ones_in_use() {
    let authority = authority("bank");
    let (first, second) = (server_leaf(&authority), server_leaf(&authority));
    let place = Place::new(&first);
    let tls = place.load();
    // Half of a pair, as between two copies.
    place.write("server.pem", &second.certificate.pem());
    let error = tls.reload_if_changed().unwrap_err();
    assert!(error.to_string().contains("server.pem"), "{error}");
    let (_, client_end) = connect(&tls, client(&authority, None)).await.unwrap();
    assert_eq!(&certificate_seen(&client_end), first.certificate.der());
    place.write("server.key", &second.key.serialize_pem());
    assert!(tls.reload_if_changed().unwrap());
    let (_, client_end) = connect(&tls, client(&authority, None)).await.unwrap();
    assert_eq!(&certificate_seen(&client_end), second.certificate.der());
}

#[tokio::test]
async fn a_client_certificate_names_the_service() {
    let (servers, clients) = (authority("servers"), authority("clients"));
    let place = Place::new(&server_leaf(&servers)).believing(&clients, true);
    let own = leaf(
        &clients,
        "loans-api",
        vec![
            SanType::DnsName("loans.bank.example".try_into().unwrap()),
            SanType::URI("spiffe://bank.example/loans".try_into().unwrap()),
        ],
    );
    let config = client(&servers, Some(&own));
    let (mut server, mut client) = connect(&place.load(), config).await.unwrap();
    exchange(&mut server, &mut client).await;
    let shown = server.get_ref().1.peer_certificates().unwrap();
    let names = names(&shown[0]).unwrap();
    assert_eq!(names.common_name.as_deref(), Some("loans-api"));
    assert_eq!(names.dns, ["loans.bank.example"]);
    assert_eq!(names.uris, ["spiffe://bank.example/loans"]);
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_even_where_none_is_needed() {
    let (servers, clients, others) = (
        authority("servers"),
        authority("clients"),
        authority("clients"),
    );
    for required in [true, false] {
        let place = Place::new(&server_leaf(&servers)).believing(&clients, required);
        let foreign = leaf(&others, "loans-api", Vec::new());
        let refused = connect(&place.load(), client(&servers, Some(&foreign))).await;
        assert_refused(refused);
    }
}

#[tokio::test]
async fn who_shows_no_certificate_is_refused_only_where_one_is_required() {
    let (servers, clients) = (authority("servers"), authority("clients"));
    let server = server_leaf(&servers);
    let place = Place::new(&server).believing(&clients, true);
    assert_refused(connect(&place.load(), client(&servers, None)).await);
    let place = Place::new(&server).believing(&clients, false);
    let (mut server, mut client) = connect(&place.load(), client(&servers, None))
        .await
        .unwrap();
    exchange(&mut server, &mut client).await;
    assert!(server.get_ref().1.peer_certificates().is_none());
}

#[tokio::test]
async fn an_authority_that_was_taken_out_lets_nobody_in_by_resuming() {
    let (servers, clients, others) = (
        authority("servers"),
        authority("clients"),
        authority("others"),
    );
    let place = Place::new(&server_leaf(&servers)).believing(&clients, true);
    let tls = place.load();
    let own = leaf(&clients, "loans-api", Vec::new());
    // One configuration, so that the client has a session to resume.
    let config = client(&servers, Some(&own));
    let (mut server, mut client) = connect(&tls, Arc::clone(&config)).await.unwrap();
    exchange(&mut server, &mut client).await;
    place.write("clients.pem", &others.pem());
    assert!(tls.reload_if_changed().unwrap());
    assert_refused(connect(&tls, config).await);
}

#[track_caller]
fn assert_refused(outcome: Result<(ServerEnd, ClientEnd), String>) {
    assert!(outcome.is_err(), "the server let the client in");
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_what_is_wrong() {
    let authority = authority("bank");
    let place = Place::new(&server_leaf(&authority)).believing(&authority, false);
    let refused = |name: &str, text: Option<&str>| {
        let path = place.path(name);
        let before = std::fs::read(&path).unwrap();
        match text {
            Some(text) => std::fs::write(&path, text).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let error = Tls::load(place.files.clone(), &[]).unwrap_err();
        std::fs::write(&path, before).unwrap();
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(error.path, path);
        error
    };
    let broken = "-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for name in ["server.pem", "server.key", "clients.pem"] {
        assert!(refused(name, None).hint.contains("path"));
        assert!(refused(name, Some("")).hint.contains("PEM"));
        refused(name, Some("hello"));
        refused(name, Some(broken));
    }
    refused("server.pem", Some(no_certificate));
    refused("clients.pem", Some(no_certificate));
    let other = KeyPair::generate().unwrap().serialize_pem();
    let path = place.path("server.key");
    std::fs::write(path, other).unwrap();
    let error = Tls::load(place.files.clone(), &[]).unwrap_err();
    assert!(error.hint.contains("belong together"), "{error}");
}
