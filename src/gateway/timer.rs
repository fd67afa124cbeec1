//! Time limits that nearly always end unused: a timer is set once in a while, not for every wait.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// A deadline that moves on and on. The runtime hears of it only when the one it knows has passed.
#[derive(Default)]
pub(super) struct Timer {
    deadline: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// From now on it is `limit`.
    pub(super) fn set(&mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        self.deadline = Some(deadline);
        if let Some(sleep) = &mut self.sleep
            && sleep.deadline() > deadline
        {
            sleep.as_mut().reset(deadline);
        }
    }

    /// Sets it unless it runs.
    pub(super) fn run(&mut self, limit: Duration) {
        if self.deadline.is_none() {
            self.set(limit);
        }
    }

    /// It runs no more.
    pub(super) fn stop(&mut self) {
        self.deadline = None;
    }

    /// Ready when the deadline has passed; never while it does not run.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        loop {
            ready!(sleep.as_mut().poll(cx));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}
