//! Sends mail: by SMTP, or into files, or into the log.

use crate::config::{Config, Mail, MailTo, Smtp, Urls};
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::io::AsyncWriteExt as _;
use url::Url;

/// How long the mail server may take to answer.
const ANSWER: Duration = Duration::from_secs(30);
/// Files in the directory beyond which no more are written.
const MOST_FILES: usize = 10_000;

/// A mail, ready to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Makes its `Message-ID`: the same each time it is tried.
    pub id: uuid::Uuid,
    /// When it is sent.
    pub at: OffsetDateTime,
    /// The address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It may go later.
    #[error("{0}")]
    Later(String),
    /// The server will never take this one.
    #[error("{0}")]
    Never(String),
}

/// Sends mail.
#[derive(Debug)]
pub struct Mailer {
    from: Mailbox,
    way: Way,
}

enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Files(PathBuf),
    Log,
}

impl Mailer {
    /// From the configuration. The error is one line that says what to do.
    pub fn open(config: &Config, data_dir: &Path, urls: &Urls) -> Result<Self, String> {
        let way = match config.mail.server().map_err(|error| format!("mail.url: {error}"))? {
            Some((url, smtp)) => Way::Smtp(server(&config.mail, &url, smtp)?),
            None => match config.mail.to {
                MailTo::Files => Way::Files(config.mail.directory.clone().unwrap_or_else(|| data_dir.join("mail"))),
                MailTo::Log => Way::Log,
            },
        };
        Ok(Self { from: sender(config, urls)?, way })
    }

    /// Whether mails leave this machine.
    pub fn leaves(&self) -> bool {
        matches!(self.way, Way::Smtp(_))
    }

    /// Sends one.
    pub async fn send(&self, mail: &Outgoing) -> Result<(), MailError> {
        let message = self.message(mail)?;
        match &self.way {
            Way::Smtp(server) => {
                let sent = server.send(message).await;
                sent.map(|_| ()).map_err(|error| {
                    // 5xx about this mail; without an answer, or with one about us, it may go later.
                    let text = error.to_string();
                    if error.is_permanent() { MailError::Never(text) } else { MailError::Later(text) }
                })
            }
            Way::Files(directory) => {
                let name = format!("{}-{}.eml", mail.at.unix_timestamp(), mail.id);
                let written = write(directory, &name, &message.formatted()).await;
                written.map_err(|error| MailError::Later(format!("{}: {error}", directory.display())))
            }
            Way::Log => {
                tracing::info!(to = mail.to, subject = mail.subject, "a mail, as mail.to is \"log\":\n{}", mail.text);
                Ok(())
            }
        }
    }

    /// Links stay whole for whoever reads the mail as it is, as in a file. Lines are short enough: `domain::mail::words` wraps
    /// them, and a link is far below the 998 characters that RFC 5322 §2.1.1 allows.
    fn body(&self, text: &str) -> Body {
        let bytes = text.replace('\n', "\r\n").into_bytes();
        match &self.way {
            _ if text.is_ascii() => Body::dangerous_pre_encoded(bytes, ContentTransferEncoding::SevenBit),
            Way::Files(_) => Body::dangerous_pre_encoded(bytes, ContentTransferEncoding::EightBit),
            Way::Smtp(_) | Way::Log => Body::new(text.to_owned()),
        }
    }

    fn message(&self, mail: &Outgoing) -> Result<Message, MailError> {
        let broken = |error: &dyn std::fmt::Display| MailError::Never(format!("the mail cannot be written: {error}"));
        let to: Address = mail.to.parse().map_err(|error| broken(&error))?;
        // Answering machines leave it alone (RFC 3834 §5).
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject.clone())
            .date(mail.at.into())
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(self.body(&mail.text))
            .map_err(|error| broken(&error))
    }
}

impl std::fmt::Debug for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Smtp(_) => "Smtp",
            Self::Files(_) => "Files",
            Self::Log => "Log",
        })
    }
}

fn sender(config: &Config, urls: &Urls) -> Result<Mailbox, String> {
    if let Some(from) = &config.mail.from {
        return from.parse().map_err(|error| format!("mail.from: {error}"));
    }
    let host = Url::parse(&urls.portal).ok().and_then(|url| url.domain().map(str::to_owned));
    let address = format!("noreply@{}", host.as_deref().unwrap_or("localhost"));
    let address = address.parse().map_err(|error| format!("mail.from: set it; {address} is no address: {error}"))?;
    Ok(Mailbox::new(Some(config.brand.name.clone()), address))
}

fn server(config: &Mail, url: &Url, smtp: Smtp) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let (tls, port) = match smtp {
        Smtp::Tls => (Tls::Wrapper(parameters(config, host.clone())?), 465),
        Smtp::StartTls => (Tls::Required(parameters(config, host.clone())?), 587),
        Smtp::Insecure => (Tls::None, 25),
    };
    let mut server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(url.port().unwrap_or(port))
        .tls(tls)
        .timeout(Some(ANSWER))
        .pool_config(PoolConfig::new().max_size(2));
    if let Some(password) = url.password() {
        server = server.credentials(Credentials::new(decoded(url.username()), decoded(password)));
    }
    Ok(server.build())
}

fn parameters(config: &Mail, host: String) -> Result<TlsParameters, String> {
    let mut parameters = TlsParameters::builder(host);
    if let Some(roots) = &config.roots {
        let explain = |error: &dyn std::fmt::Display| format!("mail.roots: {}: {error}", roots.display());
        let pem = std::fs::read(roots).map_err(|error| explain(&error))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| explain(&error))?;
        parameters = parameters.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    parameters.build().map_err(|error| format!("mail.url: TLS: {error}"))
}

/// User and password as they were before they were written into a URL.
fn decoded(text: &str) -> String {
    let pair = format!("x={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// Writes a file that only this account can read: there are links in it that open accounts.
async fn write(directory: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    tokio::fs::create_dir_all(directory).await?;
    tokio::fs::set_permissions(directory, Permissions::from_mode(0o700)).await?;
    let mut entries = tokio::fs::read_dir(directory).await?;
    let mut files = 0;
    while entries.next_entry().await?.is_some() {
        files += 1;
        if files >= MOST_FILES {
            return Err(std::io::Error::other("there are too many mails; read them and remove them"));
        }
    }
    // Complete before it has its name.
    let (unfinished, path) = (directory.join(format!(".{name}")), directory.join(name));
    let mut file =
        tokio::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).await?;
    file.write_all(bytes).await?;
    file.sync_all().await?;
    tokio::fs::rename(unfinished, path).await
}
