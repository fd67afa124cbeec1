//! Writes the lines of all threads of the gateway, on a thread of its own, to standard output or to a file that may be
//! moved away at any time.

use crate::gateway::core::Core;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// How often it is looked for lines.
const EVERY: Duration = Duration::from_millis(100);
/// How often it is looked whether the file was moved away.
const LOOK: Duration = Duration::from_secs(1);
/// How long the last lines may take at a stop: whoever reads them may have stopped reading.
const LAST: Duration = Duration::from_secs(2);

/// The end of the writer that the gateway holds.
pub(super) struct Handle {
    orders: Arc<Orders>,
    thread: Thread,
    ended: oneshot::Receiver<()>,
}

#[derive(Default)]
struct Orders {
    stop: AtomicBool,
    reopen: AtomicBool,
}

/// Where lines go.
pub(super) enum Target {
    /// Standard output.
    Stdout,
    /// A file; it is opened when there is a line for it.
    File { path: PathBuf, file: Option<File> },
}

impl Target {
    /// Opens the file.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::File { path: path.to_owned(), file: Some(open(path)?) })
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(lines)?;
                out.flush()
            }
            Self::File { path, file } => {
                if file.is_none() {
                    *file = Some(open(path)?);
                }
                match file {
                    Some(file) => file.write_all(lines),
                    None => Ok(()),
                }
            }
        }
    }

    /// Forgets the file if another one, or none, is at its path: it is opened anew for the next line.
    fn look(&mut self) {
        if let Self::File { path, file: held } = self
            && let Some(file) = held
        {
            let place = |found: io::Result<std::fs::Metadata>| found.ok().map(|found| (found.dev(), found.ino()));
            if place(std::fs::metadata(&*path)) != place(file.metadata()) {
                *held = None;
            }
        }
    }

    fn reopen(&mut self) {
        if let Self::File { file, .. } = self {
            *file = None;
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

impl Handle {
    /// Starts the writer.
    pub(super) fn start(cores: &Arc<[Arc<Core>]>, target: Target) -> io::Result<Self> {
        let orders = Arc::new(Orders::default());
        let (end, ended) = oneshot::channel();
        let is_file = matches!(target, Target::File { .. });
        let thread = std::thread::Builder::new().name("access-log".to_owned()).spawn({
            let (orders, cores) = (Arc::clone(&orders), Arc::clone(cores));
            move || {
                run(&cores, target, &orders);
                let _ = end.send(());
            }
        })?;
        let thread = thread.thread().clone();
        for core in cores.iter() {
            core.lines.wake(thread.clone());
        }
        if is_file {
            // Only where it means something: without it, the signal ends the process, as it does elsewhere.
            tokio::spawn(reopen_on_hangup(Arc::clone(&orders), thread.clone()));
        }
        Ok(Self { orders, thread, ended })
    }

    /// Writes what is there, and ends.
    pub(super) async fn finish(self) {
        self.orders.stop.store(true, Ordering::Release);
        self.thread.unpark();
        if tokio::time::timeout(LAST, self.ended).await.is_err() {
            tracing::warn!("the last lines of the access log could not be written in time");
        }
    }
}

async fn reopen_on_hangup(orders: Arc<Orders>, thread: Thread) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        orders.reopen.store(true, Ordering::Release);
        thread.unpark();
    }
}

fn run(cores: &[Arc<Core>], mut target: Target, orders: &Orders) {
    let mut buffer = Vec::new();
    let (mut is_well, mut looked) = (true, Instant::now());
    loop {
        let stops = orders.stop.load(Ordering::Acquire);
        if orders.reopen.swap(false, Ordering::AcqRel) {
            target.reopen();
        }
        if looked.elapsed() >= LOOK {
            target.look();
            looked = Instant::now();
        }
        for core in cores {
            core.lines.exchange(&mut buffer);
            if buffer.is_empty() {
                continue;
            }
            match target.write(&buffer) {
                Ok(()) => is_well = true,
                Err(error) => {
                    core.lines.lost(buffer.split(|byte| *byte == b'\n').count().saturating_sub(1));
                    target.reopen();
                    if is_well {
                        tracing::error!(%error, "the access log cannot be written; its lines are lost until it can");
                    }
                    is_well = false;
                }
            }
            buffer.clear();
        }
        if stops {
            return;
        }
        std::thread::park_timeout(EVERY);
    }
}
