//! Listening sockets, one a thread (`SO_REUSEPORT`): the kernel spreads the connections, and no thread waits for another.

use crate::base::environment::Environment;
use crate::gateway::connection;
use crate::gateway::core::Core;
use crate::infra::tls::server::Server;
use futures_util::FutureExt as _;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// Connections that wait for `accept`.
const BACKLOG: i32 = 1024;

/// How many threads: the configured number, or one for each core.
pub fn threads(configured: usize) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    }
}

/// `count` sockets on one address; with port 0 all get the same free port.
///
/// Sockets that share an address all ask for it, so a second instance that asks too would be let in and take half of
/// the connections. Binding once without asking finds out whether anybody is there.
pub fn bind(address: SocketAddr, count: usize) -> std::io::Result<Vec<TcpListener>> {
    if address.port() != 0 {
        drop(TcpListener::bind(address)?);
    }
    let mut address = address;
    let mut listeners = Vec::with_capacity(count);
    for _ in 0..count {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SockAddr::from(address))?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        address = listener.local_addr()?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Resolves when the gateway stops, or is dropped.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Accepts connections until `stop` says true; then takes those that wait already and closes the listener.
pub(super) async fn accept(
    core: Arc<Core>,
    (environment, tls): (Environment, Option<Arc<Server>>),
    listener: tokio::net::TcpListener,
    mut stop: watch::Receiver<bool>,
    places: Arc<Semaphore>,
) {
    let watched = stop.clone();
    let serve = |accepted, place| {
        let connection = connection::serve(Arc::clone(&core), (environment, tls.clone()), accepted, watched.clone());
        tokio::spawn(async move {
            connection.await;
            drop(place);
        });
    };
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => break,
        };
        match accepted {
            Ok(accepted) => serve(accepted, place),
            Err(error) => {
                // Out of descriptors, most likely: going round at once would only burn the core.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    // The kernel has told these clients that they are connected. Closing the socket would reset them.
    while let Some(Ok(accepted)) = listener.accept().now_or_never()
        && let Ok(place) = Arc::clone(&places).try_acquire_owned()
    {
        serve(accepted, place);
    }
}
