//! Listening: connections with limits, TLS, and an orderly end that finishes what it acknowledged.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::extract::connect_info::ConnectInfo;
use axum::http::Request;
use causebook_access::{Principal, Rate, RateLimiter, TokenStore};
use causebook_ledger::{Clock, LedgerError, SystemClock};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::decompression::RequestDecompressionLayer;

use crate::allowance::Allowance;
use crate::books::{ACCESS, Books};
use crate::config::Config;
use crate::error::ServerError;
use crate::metrics::Metrics;
use crate::oidc::{self, Login};
use crate::otlp::Exporter;
use crate::prompt::Prompt;
use crate::state::{App, Parts};
use crate::tls::{self, Tls, TlsFiles};
use crate::trail::Trail;
use crate::{api, docs_page, front, gaps};

/// Most bytes of a request's head.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Most requests of one HTTP/2 connection at one time.
const STREAMS_MAX: u32 = 128;
/// How long an accept that failed, for want of file descriptors for example, is waited out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often an HTTP/2 connection that is silent is asked whether it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Lines about credentials that do not hold which are logged at once, and the pause after which there is one more:
/// strangers write nobody's disk full.
const REFUSALS_AT_ONCE: u32 = 20;
const REFUSALS_PAUSE: Duration = Duration::from_secs(5);
/// Principals whose rate is remembered.
const PRINCIPALS_MAX: usize = 100_000;

/// Whoever is connected.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) is_encrypted: bool,
    /// Whom the client certificate names.
    pub(crate) certificate: Option<Arc<Principal>>,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    app: App,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    listening: JoinHandle<()>,
}

impl Server {
    /// Opens every ledger of the home and listens. Called inside a tokio runtime.
    ///
    /// # Errors
    /// [`ServerError`]; nothing runs then.
    pub async fn start(config: Config) -> Result<Self, ServerError> {
        let (stop, closing) = watch::channel(false);
        let listener = TcpListener::bind(config.listen).await;
        let address = config.listen;
        let listener = listener.map_err(|source| ServerError::Listen { address, source })?;
        let address = listener
            .local_addr()
            .map_err(|source| ServerError::Listen { address, source })?;
        let otlp = config.otlp_endpoint.as_deref().map(Exporter::start);
        let app = tokio::task::spawn_blocking(move || assemble(config, otlp, closing))
            .await
            .map_err(|error| ServerError::Listen {
                address,
                source: io::Error::other(error),
            })??;
        let router = router(app.clone());
        let listening = tokio::spawn(listen(app.clone(), listener, router));
        tokio::spawn(keep(app.clone()));
        Ok(Self {
            app,
            address,
            stop,
            listening,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether anybody on this machine may do everything, because no token was made yet.
    pub fn is_open(&self) -> bool {
        self.app.tokens.is_empty() && self.app.config.oidc.is_none()
    }

    /// Reads certificates again. What cannot be used is told in the log, and what was there stays in use.
    pub fn reload(&self) {
        if let Some(tls) = &self.app.tls {
            match tls.reload() {
                Ok(()) => tracing::info!("certificates are read again"),
                Err(error) => {
                    tracing::error!(%error, hint = error.hint, "certificates stay as they were");
                }
            }
        }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        match self.app.config.tls {
            Some(_) => "https",
            None => "http",
        }
    }

    /// Takes no more connections, lets requests end, closes the ledgers.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let _ = self.listening.await;
        let app = self.app;
        let closed = tokio::task::spawn_blocking(move || app.books.close());
        let _ = closed.await;
    }
}

/// Whether a server that knows nobody is for this machine alone: whoever is here may do everything then.
fn is_safe(config: &Config, tokens: &TokenStore) -> Result<(), ServerError> {
    if config.oidc.is_some() || !tokens.is_empty() {
        return Ok(());
    }
    if !config.is_loopback() {
        let address = config.listen;
        return Err(ServerError::Open { address });
    }
    match config.published() {
        Some(url) => Err(ServerError::Published {
            url: url.to_owned(),
        }),
        None => Ok(()),
    }
}

fn assemble(
    config: Config,
    otlp: Option<Exporter>,
    closing: watch::Receiver<bool>,
) -> Result<App, ServerError> {
    let home = &config.home;
    std::fs::create_dir_all(home).map_err(|source| ServerError::Home {
        path: home.clone(),
        source,
    })?;
    // Before ledgers are opened: a server that is refused makes none and locks none.
    let tokens = TokenStore::open(home)?;
    is_safe(&config, &tokens)?;
    let books = Books::open(home, &config.sql)?;
    let access = books.get(ACCESS).ok_or_else(|| ServerError::Ledger {
        ledger: ACCESS.to_owned(),
        source: Box::new(LedgerError::NoLedger),
    })?;
    let rates = config.limits.requests_per_s.map(|per_second| {
        let rate = Rate {
            per_second,
            burst: per_second.saturating_mul(2),
        };
        RateLimiter::new(rate, PRINCIPALS_MAX, Arc::new(SystemClock::new()))
    });
    let openapi = crate::openapi::document();
    let tls = config.tls.as_ref().map(|tls| {
        let files = TlsFiles {
            certificate: tls.certificate.clone(),
            key: tls.key.clone(),
            client_ca: tls.client_ca.clone(),
            client_required: tls.client_required,
        };
        Tls::load(files, &["h2", "http/1.1"])
    });
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let login = config.oidc.clone().map(|oidc| Login::new(oidc, clock));
    Ok(App {
        parts: Arc::new(Parts {
            clock: SystemClock::new(),
            books,
            tokens,
            rates,
            trail: Arc::new(Trail::new(access)),
            refusals: Allowance::new(REFUSALS_AT_ONCE, REFUSALS_PAUSE),
            metrics: Metrics::new(),
            tls: tls.transpose()?,
            login: login.transpose()?.map(Arc::new),
            otlp,
            queries: Arc::new(Semaphore::new(config.sql.concurrent)),
            batches: Arc::new(Semaphore::new(config.limits.batches)),
            tails: Arc::new(Semaphore::new(config.limits.tails)),
            requests: Semaphore::new(config.limits.in_flight),
            closing,
            docs: docs_page::render(&openapi),
            openapi,
            config,
        }),
    })
}

fn router(app: App) -> Router {
    let (routes, _) = api::router().split_for_parts();
    let routes = routes.merge(api::plain());
    let routes = match &app.login {
        Some(login) => routes.merge(oidc::routes(Arc::clone(login), Arc::clone(&app.trail))),
        None => routes,
    };
    api::otherwise(routes)
        .layer(DefaultBodyLimit::disable())
        .layer(RequestDecompressionLayer::new().no_br().no_deflate())
        .layer(compression())
        // Outermost, so that no answer leaves without an id and without a word.
        .layer(axum::middleware::from_fn_with_state(
            app.clone(),
            front::front,
        ))
        .with_state(app)
}

/// Attachments and tiles go as they are: they hold hashes or what is packed already, and an attachment that is cut off is
/// told by its length.
fn compression() -> CompressionLayer<impl Predicate> {
    let worth_it =
        DefaultPredicate::new().and(NotForContentType::const_new("application/octet-stream"));
    CompressionLayer::new()
        .no_br()
        .no_deflate()
        .compress_when(worth_it)
}

async fn listen(app: App, listener: TcpListener, router: Router) {
    let limits = &app.config.limits;
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut closing = app.closing.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = closed(&mut closing) => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            // Closing it at once is all that can be said without reading what comes.
            if let Some(unsaid) = app.refusals.take(app.clock.monotonic()) {
                tracing::warn!(%address, unsaid, "too many connections");
            }
            drop(stream);
            continue;
        };
        let _ = stream.set_nodelay(true);
        connect(&app, router.clone(), stream, address, permit);
    }
    drop(listener);
    // A connection gives its permit back when it ends.
    let ended = room.acquire_many(u32::try_from(limits.connections).unwrap_or(u32::MAX));
    if tokio::time::timeout(limits.shutdown, ended).await.is_err() {
        tracing::warn!("requests were still running at the end of limits.shutdown_s");
    }
}

/// Returns when the server is told to stop.
pub(crate) async fn closed(closing: &mut watch::Receiver<bool>) {
    // A sender that is gone tells as much.
    let _ = closing.wait_for(|closing| *closing).await;
}

/// Answers one connection until it ends.
fn connect(
    app: &App,
    router: Router,
    stream: TcpStream,
    address: SocketAddr,
    permit: OwnedSemaphorePermit,
) {
    let app = app.clone();
    tokio::spawn(async move {
        app.metrics.connections.inc();
        if let Err(error) = encrypted(&app, router, stream, address).await {
            tracing::debug!(%address, %error, "a connection broke off");
        }
        app.metrics.connections.dec();
        drop(permit);
    });
}

/// Answers a connection, inside TLS if it is spoken here.
async fn encrypted(
    app: &App,
    router: Router,
    stream: TcpStream,
    address: SocketAddr,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let Some(tls) = &app.tls else {
        let peer = Peer {
            address,
            is_encrypted: false,
            certificate: None,
        };
        return answer(app, router, stream, peer).await;
    };
    let handshake = TlsAcceptor::from(tls.config()).accept(stream);
    let stream = tokio::time::timeout(app.config.limits.header, handshake).await??;
    let peer = Peer {
        address,
        is_encrypted: true,
        certificate: known_client(app, &stream),
    };
    answer(app, router, stream, peer).await
}

/// Whom the certificate names that the client showed and an authority vouched for.
fn known_client(app: &App, stream: &TlsStream<TcpStream>) -> Option<Arc<Principal>> {
    let (_, session) = stream.get_ref();
    let names = tls::names(session.peer_certificates()?.first()?)?;
    let clients = &app.config.tls.as_ref()?.clients;
    clients.principal(&names).map(Arc::new)
}

async fn answer(
    app: &App,
    router: Router,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer.clone()));
        router.clone().oneshot(request.map(Body::new))
    });
    let limits = &app.config.limits;
    let stream = Prompt::new(stream, limits.header, limits.body_idle);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(app.config.limits.header)
        .max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX as u32);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut closing = app.closing.clone();
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = closed(&mut closing) => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}

/// What is to be done now and then.
async fn keep(app: App) {
    let mut closing = app.closing.clone();
    loop {
        tokio::select! {
            () = tokio::time::sleep(app.config.gap_look) => {}
            () = closed(&mut closing) => break,
        }
        let app = app.clone();
        let kept = tokio::task::spawn_blocking(move || {
            if let Err(error) = app.tokens.save_uses(app.clock.now()) {
                tracing::warn!(%error, "when tokens were used could not be written");
            }
            if let Some(Err(error)) = app.tls.as_ref().map(Tls::reload_if_changed) {
                tracing::error!(%error, hint = error.hint, "certificates stay as they were");
            }
            gaps::record(&app);
        });
        let _ = kept.await;
    }
}
