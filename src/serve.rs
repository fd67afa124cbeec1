//! Serving a router on a listener: limits on slow and endless heads, and a drain that loses no request.

use crate::infra::tls::server::Server;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt as _;

/// How long a client may take to send a request head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes a request head may have.
const HEAD_BYTES: usize = 64 * 1024;
/// Connections a listener keeps open at once.
const CONNECTIONS: usize = 4096;
/// How long connections stay as they are after the listener has closed. Shutting down closes a connection of which
/// nothing was read, but the request of one that was just accepted may already be in its buffer.
const LINGER: Duration = Duration::from_millis(100);

/// Accepts connections, over TLS where there is a certificate, until `stop` says true; then waits up to `drain` for
/// requests in flight.
pub async fn http(
    (listener, tls): (TcpListener, Option<Arc<Server>>),
    router: Router,
    mut stop: watch::Receiver<bool>,
    drain: Duration,
) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        tokio::select! {
            accepted = accept(&listener, &places) => {
                if let Some(accepted) = accepted {
                    serve(accepted, tls.clone(), &router, graceful.watcher());
                }
            }
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    // The system has accepted these on our behalf: their clients believe to be connected.
    while let Ok(Some(accepted)) = tokio::time::timeout(Duration::ZERO, accept(&listener, &places)).await {
        serve(accepted, tls.clone(), &router, graceful.watcher());
    }
    drop(listener);
    tokio::time::sleep(LINGER).await;
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still running when the time to drain was over");
    }
}

/// A connection, where it comes from, and its place among those that may be open.
type Accepted = (TcpStream, SocketAddr, OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Small answers must not wait for a full segment.
            let _ = stream.set_nodelay(true);
            Some((stream, peer, place))
        }
        Err(error) => {
            // Out of descriptors, most likely: going round at once would only burn the core.
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

fn serve((stream, peer, place): Accepted, tls: Option<Arc<Server>>, router: &Router, watcher: Watcher) {
    let router = router.clone();
    tokio::spawn(async move {
        let _place = place;
        match tls {
            None => requests(stream, peer, router, watcher).await,
            Some(tls) => match tls.accept(stream, HEAD_TIMEOUT).await {
                Ok(stream) => requests(stream, peer, router, watcher).await,
                Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
            },
        }
    });
}

async fn requests<S>(stream: S, peer: SocketAddr, router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let used = Arc::new(AtomicBool::new(false));
    let mark = Arc::clone(&used);
    let service = router.map_request(move |mut request: http::Request<Incoming>| {
        mark.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
        request.map(Body::new)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD_TIMEOUT);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).into_owned();
    // On the heap, so that a task is no larger while it shakes hands.
    let mut connection = Box::pin(watcher.watch(connection));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        // hyper's own timer starts when it knows the protocol: a client that sends nothing, or half of the
        // preface of HTTP/2, would keep its place for ever.
        () = tokio::time::sleep(HEAD_TIMEOUT) => {
            if !used.load(Ordering::Relaxed) {
                return;
            }
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
