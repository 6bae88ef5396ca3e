//! Ctrl-C: what this run has begun on disk goes away, what it has begun at the target is finished by the next run.

use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

static SCRATCH: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A temporary directory that goes with the run, however it ends (kill -9 excepted).
pub(crate) struct Scratch(tempfile::TempDir);

impl Scratch {
    /// A directory inside `parent`, for results that are to be moved into place beside it; in the system's temporary directory if `None`.
    pub(crate) fn new(parent: Option<&Path>) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".zappa-");
        let directory = match parent {
            Some(parent) => builder.tempdir_in(parent)?,
            None => builder.tempdir()?,
        };
        SCRATCH.lock().unwrap_or_else(PoisonError::into_inner).push(directory.path().to_owned());
        Ok(Self(directory))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Ctrl-C, or the system's request to end, for a command that runs until then. The first one asks; one more, or one before there is anything to
/// take down, ends the process at once.
pub(crate) struct Stop {
    asked: watch::Receiver<bool>,
    clean_up: Arc<Mutex<Option<CleanUp>>>,
}

type CleanUp = Box<dyn FnOnce() + Send>;

impl Stop {
    pub(crate) fn listen() -> Self {
        let (ask, asked) = watch::channel(false);
        let clean_up = Arc::<Mutex<Option<CleanUp>>>::default();
        let on_second = clean_up.clone();
        tokio::spawn(async move {
            let mut terminations = Terminations::new();
            terminations.next().await;
            if on_second.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                let _ = ask.send(true);
                terminations.next().await;
            }
            if let Some(clean_up) = on_second.lock().unwrap_or_else(PoisonError::into_inner).take() {
                clean_up();
            }
            crate::ui::say_interrupted("nothing is left running");
            process::exit(crate::ui::prompt::INTERRUPTED.into());
        });
        Self { asked, clean_up }
    }

    /// From now on there is something to take down: in order by the caller, who has [`Self::asked`], or by this in a hurry.
    pub(crate) fn in_a_hurry(&self, clean_up: impl FnOnce() + Send + 'static) {
        *self.clean_up.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(clean_up));
    }

    /// Waits until it is time to end.
    pub(crate) async fn asked(&mut self) {
        if self.asked.wait_for(|asked| *asked).await.is_err() {
            std::future::pending().await
        }
    }
}

/// Ctrl-C and, where there is such a thing, SIGTERM and SIGHUP.
struct Terminations {
    #[cfg(unix)]
    signals: Vec<tokio::signal::unix::Signal>,
}

impl Terminations {
    #[cfg(unix)]
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Self { signals: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let any = self.signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if any { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self {}
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Turns `true` at Ctrl-C, for work that comes to an end of its own then; one more ends the process at once.
pub(crate) fn ask_to_stop() -> watch::Receiver<bool> {
    let (ask, asked) = watch::channel(false);
    tokio::spawn(async move {
        let mut terminations = Terminations::new();
        terminations.next().await;
        crate::ui::say_interrupted("what is half done is finished; once more ends at once");
        let _ = ask.send(true);
        terminations.next().await;
        clean_up();
        crate::ui::say_interrupted("running the command again finishes what was begun");
        process::exit(crate::ui::prompt::INTERRUPTED.into());
    });
    asked
}

fn clean_up() {
    for directory in SCRATCH.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        let _ = std::fs::remove_dir_all(directory);
    }
}

/// Waits for Ctrl-C beside the work, on a thread of the runtime; `state` is what then holds.
pub(crate) fn watch(state: impl Into<String>) {
    let state = state.into();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            clean_up();
            crate::ui::say_interrupted(&state);
            process::exit(crate::ui::prompt::INTERRUPTED.into());
        }
    });
}
