//! One document of a provider, kept for a while. It is asked for by one at a time, and not again right after a failure: people
//! who sign in must not make us press a provider that has trouble.

use crate::domain::accounts::providers::refusal::Refusal;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

/// How long nothing is asked after a failure.
const PAUSE: Duration = Duration::seconds(5);

/// A document, if it was ever read.
#[derive(Debug)]
pub(super) struct Remembered<T>(Mutex<Memory<T>>);

#[derive(Debug)]
struct Memory<T> {
    read: Option<(OffsetDateTime, Arc<T>)>,
    failed: Option<(OffsetDateTime, Refusal)>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(Mutex::new(Memory { read: None, failed: None }))
    }
}

impl<T> Remembered<T> {
    /// What was read less than `age` ago, or what `fetch` brings.
    pub(super) async fn get(
        &self,
        now: OffsetDateTime,
        age: Duration,
        fetch: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<Arc<T>, Refusal> {
        let mut memory = self.0.lock().await;
        if let Some((at, document)) = &memory.read
            && now - *at < age
        {
            return Ok(Arc::clone(document));
        }
        if let Some((at, refusal)) = &memory.failed
            && now - *at < PAUSE
        {
            return Err(refusal.clone());
        }
        match fetch.await {
            Ok(document) => {
                let document = Arc::new(document);
                *memory = Memory { read: Some((now, Arc::clone(&document))), failed: None };
                Ok(document)
            }
            Err(refusal) => {
                memory.failed = Some((now, refusal.clone()));
                Err(refusal)
            }
        }
    }
}
