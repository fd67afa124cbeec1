//! One connection that is kept, as a browser keeps it.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A connection with the cookies of its viewer.
pub(super) struct Browser {
    sender: SendRequest<Empty<Bytes>>,
    address: String,
    cookie: String,
}

/// What came.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) bytes: usize,
}

impl Browser {
    pub(super) async fn open(address: &str, cookie: String) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender, address: address.to_owned(), cookie }
    }

    /// Asks for a page and reads it to its end.
    pub(super) async fn get(&mut self, path: &str) -> Answer {
        let request = Request::get(path).header("host", &self.address).header("cookie", &self.cookie);
        self.sender.ready().await.unwrap();
        let answer = self.sender.send_request(request.body(Empty::new()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        Answer { status, bytes: answer.into_body().collect().await.unwrap().to_bytes().len() }
    }
}
