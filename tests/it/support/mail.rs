//! The mails that an instance has written into files, and a mail server that keeps what it gets.

use crate::support::app::TestApp;
use crate::support::tls;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufStream};
use tokio::net::TcpListener;

/// A mail as it arrived.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
}

impl Letter {
    pub(crate) fn parse(raw: &str) -> Self {
        let (head, body) = raw.split_once("\r\n\r\n").unwrap();
        let field = |name: &str| {
            let line = head.split("\r\n").find(|line| line.to_lowercase().starts_with(&name.to_lowercase()));
            line.map(|line| line[name.len()..].trim().to_owned()).unwrap_or_default()
        };
        Self { to: field("To:"), subject: field("Subject:"), text: body.replace("\r\n", "\n") }
    }

    /// The path of the only link in it.
    pub(crate) fn path(&self, app: &TestApp) -> String {
        let links: Vec<_> = self.text.lines().filter_map(|line| line.strip_prefix(&app.portal(""))).collect();
        assert_eq!(links.len(), 1, "{self:?}");
        links[0].to_owned()
    }
}

/// Has everything sent that is due, and takes what came.
pub(crate) async fn letters(app: &TestApp) -> Vec<Letter> {
    app.app.send_mail().await.unwrap();
    let directory = app.app.data_dir().join("mail");
    let mut letters = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        letters.push(Letter::parse(&std::fs::read_to_string(&path).unwrap()));
        std::fs::remove_file(path).unwrap();
    }
    letters.sort_by(|a, b| (&a.to, &a.subject).cmp(&(&b.to, &b.subject)));
    letters
}

/// The only mail that came.
pub(crate) async fn letter(app: &TestApp) -> Letter {
    let mut letters = letters(app).await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    letters.remove(0)
}

/// How the mail server behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manner {
    /// Offers STARTTLS, and takes mail from whoever has signed in over TLS.
    StartTls,
    /// Knows no TLS.
    Plain,
    /// Takes no mail for now.
    Busy,
    /// Will never take this mail.
    Refusing,
}

/// A mail server on localhost.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    manner: Arc<Mutex<Manner>>,
    mails: Arc<Mutex<Vec<String>>>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, manner: Arc::new(Mutex::new(manner)), mails: Arc::default(), lines: Arc::default() };
        let (manner, mails, lines) = (Arc::clone(&server.manner), Arc::clone(&server.mails), Arc::clone(&server.lines));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (manner, mails, lines) = (Arc::clone(&manner), Arc::clone(&mails), Arc::clone(&lines));
                tokio::spawn(async move {
                    let mut stream = BufStream::new(stream);
                    stream.write_all(b"220 mail.example.com ready\r\n").await.ok();
                    if talk(&mut stream, false, &manner, (&mails, &lines)).await {
                        let accepted = tls::acceptor("listener").accept(stream.into_inner()).await;
                        let Ok(secured) = accepted else { return };
                        talk(&mut BufStream::new(secured), true, &manner, (&mails, &lines)).await;
                    }
                });
            }
        });
        server
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// The mails that it has taken so far, whole.
    pub(crate) fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }

    /// What was said to it in the clear.
    pub(crate) fn overheard(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}

type Records<'a> = (&'a Mutex<Vec<String>>, &'a Mutex<Vec<String>>);

/// Whether the client wants TLS now.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufStream<S>,
    secured: bool,
    manner: &Mutex<Manner>,
    (mails, lines): Records<'_>,
) -> bool {
    let mut signed_in = false;
    loop {
        stream.flush().await.ok();
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return false;
        }
        if !secured {
            lines.lock().unwrap().push(line.trim().to_owned());
        }
        // Connections are kept, so it is asked anew each time.
        let manner = *manner.lock().unwrap();
        let offers_tls = manner == Manner::StartTls && !secured;
        let answer = match line.trim().split(' ').collect::<Vec<_>>().as_slice() {
            ["EHLO", ..] if offers_tls => "250-mail.example.com\r\n250 STARTTLS",
            ["EHLO", ..] => "250-mail.example.com\r\n250 AUTH PLAIN",
            ["STARTTLS"] if offers_tls => {
                stream.write_all(b"220 go on\r\n").await.ok();
                stream.flush().await.ok();
                return true;
            }
            ["AUTH", "PLAIN", secret] => {
                signed_in = STANDARD.decode(secret).unwrap() == b"\0portico\0p@ss word";
                if signed_in { "235 welcome" } else { "535 who are you" }
            }
            ["RCPT", ..] if manner == Manner::Busy => "451 try later",
            ["RCPT", ..] if manner == Manner::Refusing => "550 no such mailbox",
            ["MAIL", ..] if manner == Manner::StartTls && !signed_in => "530 sign in first",
            ["DATA"] => {
                stream.write_all(b"354 go on\r\n").await.ok();
                stream.flush().await.ok();
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") && stream.read_line(&mut mail).await.unwrap_or(0) > 0 {}
                mails.lock().unwrap().push(mail);
                "250 taken"
            }
            ["QUIT"] => "221 bye",
            _ => "250 fine",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok();
    }
}
