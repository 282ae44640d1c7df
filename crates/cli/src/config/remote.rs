//! Settings of a server: its address, and where the token for it is. Never the token itself.
//!
//! A settings file in the working folder may come from anybody: an archive, a repository. It may name a server, but no token is
//! sent to a server that only such a file names.

use std::env;
use std::path::{Path, PathBuf};

use causebook_client::{Client, Credentials, Options, Url};

use super::layer::Layer;
use super::{FILE_NAME, Origin, Setting, flag, pick};
use crate::args::Global;
use crate::failure::{Exit, Failure, Outcome};

const TOKEN: &str = "CAUSEBOOK_TOKEN";
const TOKEN_FILE: &str = "CAUSEBOOK_TOKEN_FILE";

/// A server, and how it is to be asked.
#[derive(Clone, Debug)]
pub(crate) struct RemoteServer {
    /// Its address.
    pub(crate) url: Setting<Url>,
    /// Where the token is.
    token: Setting<TokenSource>,
    /// Whether the token may go to another machine unencrypted.
    allow_plain_http: Setting<bool>,
    /// Why is it asked, for the record that the server keeps of each access. Empty if it is not said.
    purpose: Setting<String>,
}

#[derive(Clone, Debug)]
enum TokenSource {
    None,
    Environment,
    File(PathBuf),
}

impl RemoteServer {
    /// The server, if a setting that is as strong as that of the home or stronger names one.
    pub(super) fn load(
        global: &Global,
        layers: &[&Layer],
        home: &Setting<PathBuf>,
    ) -> Outcome<Option<RemoteServer>> {
        let address = pick(
            flag("--url", global.url.clone()),
            "CAUSEBOOK_URL",
            layers,
            |keys| keys.url.as_ref(),
            String::new,
        )?;
        if address.value.is_empty() || strength(&home.origin) > strength(&address.origin) {
            return Ok(None);
        }
        if strength(&home.origin) == strength(&address.origin) {
            let title = "a home and a server are named, but a ledger is in one place";
            return Err(Failure::usage(title)
                .place(format!("{}, {}", home.origin, address.origin))
                .hint("take one of them out, or name the one that is meant by --home or --url"));
        }
        let parsed = address.value.parse::<Url>();
        let url = parsed.map_err(|error| {
            Failure::usage(format!("{:?} is not an address: {error}", address.value))
                .place(address.origin.to_string())
                .hint("write it as https://causebook.example.com")
        })?;
        Ok(Some(RemoteServer {
            url: Setting {
                value: url,
                origin: address.origin,
            },
            token: token(layers)?,
            allow_plain_http: pick(
                None,
                "CAUSEBOOK_ALLOW_PLAIN_HTTP",
                layers,
                |keys| keys.allow_plain_http.as_ref(),
                || false,
            )?,
            purpose: pick(
                None,
                "CAUSEBOOK_PURPOSE",
                layers,
                |keys| keys.purpose.as_ref(),
                String::new,
            )?,
        }))
    }

    /// A client for it, with the token.
    pub(crate) fn connect(&self) -> Outcome<Client> {
        self.connect_with(self.options())
    }

    /// How it is spoken to, unless something else is wanted.
    pub(crate) fn options(&self) -> Options {
        let mut options = Options::default();
        options.allow_plain_http = self.allow_plain_http.value;
        options.purpose = Some(self.purpose.value.clone()).filter(|purpose| !purpose.is_empty());
        options
    }

    /// A client for it, with the token, that speaks to it like this.
    pub(crate) fn connect_with(&self, options: Options) -> Outcome<Client> {
        let credentials = self.credentials()?;
        if credentials.has_token() && self.is_named_by_folder() {
            let title = "a token is not sent to a server that only the working folder names";
            return Err(Failure::new(Exit::Usage, "untrusted-url", title)
                .place(self.url.origin.to_string())
                .hint("name it yourself: by --url, CAUSEBOOK_URL or in your own settings file (`causebook config path`)"));
        }
        Ok(Client::connect_with(
            &self.url.value,
            &credentials,
            options,
        )?)
    }

    /// Whether what is sent to it does not leave this machine.
    pub(crate) fn is_on_this_machine(&self) -> bool {
        causebook_client::is_loopback(&self.url.value)
    }

    /// Every setting as key, value and origin. Of the token, where it is.
    pub(super) fn entries(&self) -> Vec<(&'static str, String, &Origin)> {
        let token = match &self.token.value {
            TokenSource::None => "none".to_owned(),
            TokenSource::Environment => format!("in {TOKEN}"),
            TokenSource::File(path) => format!("in {}", path.display()),
        };
        let plain = &self.allow_plain_http;
        vec![
            ("url", self.url.value.to_string(), &self.url.origin),
            ("token", token, &self.token.origin),
            ("allow_plain_http", plain.value.to_string(), &plain.origin),
            ("purpose", self.purpose.value.clone(), &self.purpose.origin),
        ]
    }

    fn credentials(&self) -> Outcome<Credentials> {
        Ok(match &self.token.value {
            TokenSource::None => Credentials::default(),
            TokenSource::Environment => {
                let token = env::var(TOKEN).unwrap_or_default();
                Credentials::token(&token)
                    .map_err(|error| Failure::from(error).place(format!("environment {TOKEN}")))?
            }
            TokenSource::File(path) => Credentials::token_file(path)
                .map_err(|error| Failure::from(error).place(path.display().to_string()))?,
        })
    }

    fn is_named_by_folder(&self) -> bool {
        matches!(&self.url.origin, Origin::File { path, .. } if path == Path::new(FILE_NAME))
    }
}

fn token(layers: &[&Layer]) -> Outcome<Setting<TokenSource>> {
    if env::var(TOKEN).is_ok_and(|token| !token.is_empty()) {
        return Ok(Setting {
            value: TokenSource::Environment,
            origin: Origin::Environment(TOKEN),
        });
    }
    let file = pick(
        None,
        TOKEN_FILE,
        layers,
        |keys| keys.token_file.as_ref(),
        PathBuf::new,
    )?;
    let value = match &file.origin {
        Origin::Default => TokenSource::None,
        Origin::File { path, .. } => {
            TokenSource::File(path.parent().unwrap_or(Path::new("")).join(&file.value))
        }
        _ => TokenSource::File(file.value),
    };
    Ok(Setting {
        value,
        origin: file.origin,
    })
}

/// Which of two settings that exclude each other was meant.
fn strength(origin: &Origin) -> u8 {
    match origin {
        Origin::Flag(_) => 3,
        Origin::Environment(_) | Origin::ServerVariable(_) => 2,
        Origin::File { .. } => 1,
        Origin::Default => 0,
    }
}
