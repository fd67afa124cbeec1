//! Something made from files, and made anew when they change. What cannot be used changes nothing.

use crate::infra::tls::files::{self, Contents, Mark, Named};
use arc_swap::ArcSwap;
use std::sync::{Arc, Mutex, PoisonError};

/// When the files are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// There is nothing else to go on with.
    Start,
    /// What was read before still serves.
    Later,
}

type Make<T> = Box<dyn Fn(&[Contents], Stage) -> Result<T, String> + Send + Sync>;

/// A value made from files.
pub(super) struct Watched<T> {
    files: Vec<Named>,
    make: Make<T>,
    current: ArcSwap<T>,
    /// The state of the files at the last look, whether it was taken or not: each is complained about once.
    seen: Mutex<Mark>,
}

impl<T> Watched<T> {
    /// Reads the files for the first time.
    pub(super) fn open(
        files: Vec<Named>,
        make: impl Fn(&[Contents], Stage) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let contents = files::read(&files);
        let current = make(&contents, Stage::Start)?;
        let seen = Mutex::new(files::mark(&contents));
        Ok(Self { files, make: Box::new(make), current: ArcSwap::from_pointee(current), seen })
    }

    /// What was made last.
    pub(super) fn current(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// Reads the files again, and takes what they hold if that is new and can be used. Blocks while it reads.
    pub(super) fn look(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let contents = files::read(&self.files);
        let mark = files::mark(&contents);
        if mark == *seen {
            return;
        }
        *seen = mark;
        let setting = self.files.first().map_or("", |file| file.setting.as_str());
        match (self.make)(&contents, Stage::Later) {
            Ok(next) => {
                self.current.store(Arc::new(next));
                tracing::info!(setting, "the files of {setting} have changed; new connections use them");
            }
            Err(error) => {
                tracing::error!(setting, %error, "the files of {setting} have changed but cannot be used; what was read before stays in use");
            }
        }
    }
}
