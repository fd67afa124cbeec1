//! The gateway of this process, as something that the portal can call: it reaches no other address.

use crate::base::environment::Environment;
use axum::body::Bytes;
use axum::http::{HeaderMap, Request, StatusCode};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or its beginning.
    pub body: Bytes,
    /// Whether there is more of it.
    pub is_cut: bool,
}

type Called = Pin<Box<dyn Future<Output = Result<Answer, Box<dyn Error + Send + Sync>>> + Send>>;
type Call = dyn Fn(Environment, Request<Bytes>) -> Called + Send + Sync;

/// The gateway. Cheap to clone.
#[derive(Clone)]
pub struct OwnGateway(Arc<Call>);

impl OwnGateway {
    /// From a function that sends a request whose target is a path.
    pub fn new(call: impl Fn(Environment, Request<Bytes>) -> Called + Send + Sync + 'static) -> Self {
        Self(Arc::new(call))
    }

    /// None: every call fails.
    pub fn none() -> Self {
        Self::new(|_, _| Box::pin(async { Err("there is no gateway here".into()) }))
    }

    /// Calls it.
    pub async fn call(
        &self,
        environment: Environment,
        request: Request<Bytes>,
    ) -> Result<Answer, Box<dyn Error + Send + Sync>> {
        (self.0)(environment, request).await
    }
}

impl fmt::Debug for OwnGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnGateway(…)")
    }
}
