//! How to reach the server: the same for both roles.

use crate::error::{NatsError, OLDEST};
use crate::subjects::{INBOX, Subjects, is_token};
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerAddr, ServerError};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;

/// Settings of a [`NatsPool`](crate::NatsPool) or a [`Worker`](crate::Worker). From `NatsPool::builder` and
/// `Worker::builder`.
#[derive(Clone)]
pub struct Builder<R> {
    servers: String,
    user: Option<(String, String)>,
    token: Option<String>,
    credentials: Option<PathBuf>,
    root_certificates: Option<PathBuf>,
    client_certificate: Option<(PathBuf, PathBuf)>,
    inbox_prefix: Option<String>,
    pub(crate) namespace: String,
    pub(crate) connection_timeout: Duration,
    /// What only one of the roles has.
    pub(crate) role: R,
}

impl<R> fmt::Debug for Builder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No passwords in logs; an address may have one in it.
        f.debug_struct("Builder").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl<R> Builder<R> {
    pub(crate) fn new(servers: &str, role: R) -> Builder<R> {
        Builder {
            servers: servers.to_owned(),
            user: None,
            token: None,
            credentials: None,
            root_certificates: None,
            client_certificate: None,
            inbox_prefix: None,
            namespace: "pool".to_owned(),
            connection_timeout: Duration::from_secs(30),
            role,
        }
    }

    /// What this program's messages are kept apart by from those of others on the same server. Default `pool`.
    ///
    /// It is the name of the stream and the first token of all subjects. Master and workers need the same one. Letters,
    /// digits, `_` and `-`, at most 64.
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = namespace.to_owned();
        self
    }

    /// Logs in with a user and a password.
    pub fn user_and_password(mut self, user: &str, password: &str) -> Self {
        self.user = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// Logs in with a token.
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Logs in with a credentials file (a JWT and a seed, as `nsc` makes them).
    pub fn credentials_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.credentials = Some(path.into());
        self
    }

    /// Trusts the authorities in this PEM file, beside the system's. For servers whose certificate is your own.
    pub fn root_certificates(mut self, path: impl Into<PathBuf>) -> Self {
        self.root_certificates = Some(path.into());
        self
    }

    /// Shows this certificate to the server (PEM files: certificate, key).
    pub fn client_certificate(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.client_certificate = Some((certificate.into(), key.into()));
        self
    }

    /// The first token of the subjects on which answers come. Default `_INBOX`, which others must begin with.
    ///
    /// A permission list has one entry for it. Programs that shall not see each other's answers need different ones.
    pub fn inbox_prefix(mut self, prefix: &str) -> Self {
        self.inbox_prefix = Some(prefix.to_owned());
        self
    }

    /// For how long the server may be away, or refuse what the master needs, before the iteration ends with
    /// [`TaskError::Connection`](crate::TaskError::Connection). Default 30 s. It also bounds each attempt to connect.
    ///
    /// A worker tries again for ever: it has nothing to lose.
    pub fn connection_timeout(mut self, limit: Duration) -> Self {
        self.connection_timeout = limit;
        self
    }

    /// Connects, and checks what can be checked by both roles. The receiver gets what happens later.
    pub(crate) async fn connect(&self, name: &str) -> Result<Connected, NatsError> {
        if !is_token(&self.namespace) {
            let allowed = "use 1 to 64 letters, digits, `_` or `-`";
            return Err(NatsError::Setting(format!("namespace {:?}: {allowed}", self.namespace)));
        }
        if let Some(prefix) =
            self.inbox_prefix.as_ref().filter(|prefix| !prefix.starts_with(INBOX) || !is_token(prefix))
        {
            return Err(NatsError::Setting(format!(
                "inbox_prefix {prefix:?}: one token that begins with {INBOX}"
            )));
        }
        if self.connection_timeout.is_zero() {
            return Err(NatsError::Setting("connection_timeout is zero: nothing can be reached".into()));
        }
        let mut addresses = Vec::new();
        for server in self.servers.split(',').map(str::trim) {
            let address: Result<ServerAddr, _> = server.parse();
            addresses.push(address.map_err(|error| {
                NatsError::Setting(format!("server {server:?} is no address like tls://host:4222: {error}"))
            })?);
        }
        let (send, events) = mpsc::unbounded_channel();
        let options = self.options(name).await?.event_callback(move |event| {
            let _ = send.send(event);
            async {}
        });
        let client = options.connect(addresses).await.map_err(|error| {
            let why = match error.kind() {
                ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                    format!("it refuses user, password, token or credentials ({error})")
                }
                _ => with_sources(&error),
            };
            NatsError::Connect(why)
        })?;
        let version = client.server_info().version;
        if is_too_old(&version) {
            return Err(NatsError::TooOld(version));
        }
        Ok(Connected { client, events, subjects: Subjects::new(&self.namespace) })
    }

    async fn options(&self, name: &str) -> Result<ConnectOptions, NatsError> {
        let mut options = ConnectOptions::new()
            .name(name)
            .connection_timeout(self.connection_timeout)
            // All subjects are made here of checked tokens.
            .skip_subject_validation(true)
            // After a restart of the server all come back at once, and it can bear that: a stall costs more.
            .reconnect_delay_callback(|attempts| Duration::from_millis(50 << attempts.min(4)));
        if let Some((user, password)) = &self.user {
            options = options.user_and_password(user.clone(), password.clone());
        }
        if let Some(token) = &self.token {
            options = options.token(token.clone());
        }
        if let Some(path) = &self.credentials {
            options = options.credentials_file(path).await.map_err(|error| {
                NatsError::Setting(format!("credentials file {}: {error}", path.display()))
            })?;
        }
        if let Some(path) = &self.root_certificates {
            options = options.add_root_certificates(path.clone());
        }
        if let Some((certificate, key)) = &self.client_certificate {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        if let Some(prefix) = &self.inbox_prefix {
            options = options.custom_inbox_prefix(prefix);
        }
        Ok(options)
    }
}

/// A connection, and what is told of it later.
pub(crate) struct Connected {
    pub client: Client,
    pub events: mpsc::UnboundedReceiver<Event>,
    pub subjects: Subjects,
}

/// A token that no other program makes.
pub(crate) fn unique(client: &Client) -> String {
    let inbox = client.new_inbox();
    inbox.rsplit('.').next().unwrap_or(&inbox).to_owned()
}

/// What the server said, if it refuses a subject for ever.
pub(crate) fn refusal(event: &Event) -> Option<String> {
    match event {
        Event::ServerError(ServerError::Other(text))
            if text.to_lowercase().contains("permissions violation") =>
        {
            Some(text.trim().to_owned())
        }
        _ => None,
    }
}

/// An error with its causes, in one line.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

fn is_too_old(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map(str::parse::<u64>);
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch))) => (major, minor, patch) < OLDEST,
        // A build of someone's own: it may well work.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for old in ["2.8.4", "2.2.0", "1.4.1", "2.9.10", "2.9.25", "2.10.0-beta.1", "2.10.24"] {
            assert!(is_too_old(old), "{old}");
        }
        for new in ["2.10.25", "2.10.26", "2.11.0-preview.1", "2.12.1", "3.0.0", "dev"] {
            assert!(!is_too_old(new), "{new}");
        }
    }
}
