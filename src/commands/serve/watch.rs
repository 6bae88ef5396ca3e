//! Which files changed, in bursts. Knows directories and names, not what a change means.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// A burst is over when nothing has happened for this long…
const QUIET: Duration = Duration::from_millis(10);
/// …or when it has lasted for this long: whatever comes later makes another one.
const LONGEST: Duration = Duration::from_millis(200);

/// What the operating system says of one change.
struct Change {
    path: PathBuf,
    /// The path leads nowhere any more, or elsewhere.
    gone: bool,
}

/// Watches directories, each without what is below it: what is left out of the bundle is not watched either.
pub(super) struct Watch {
    watcher: RecommendedWatcher,
    changes: mpsc::UnboundedReceiver<Change>,
    directories: BTreeSet<PathBuf>,
    /// Those that cannot be watched; told once.
    refused: BTreeSet<PathBuf>,
}

impl Watch {
    pub(super) fn new() -> notify::Result<Self> {
        let (sender, changes) = mpsc::unbounded_channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Some events were lost: anything may have changed, which an empty path says.
            let Some(event) = event.ok().filter(|event| !event.need_rescan()) else {
                let _ = sender.send(Change { path: PathBuf::new(), gone: false });
                return;
            };
            let read = matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write));
            if read {
                return;
            }
            let gone = matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(notify::event::ModifyKind::Name(_)));
            for path in event.paths {
                let _ = sender.send(Change { path, gone });
            }
        })?;
        Ok(Self { watcher, changes, directories: BTreeSet::new(), refused: BTreeSet::new() })
    }

    /// Watches exactly these. Returns whether there are new ones, in which something may have changed before they were watched, and what could not
    /// be watched.
    pub(super) fn follow(&mut self, wanted: BTreeSet<PathBuf>) -> (bool, Option<notify::Error>) {
        let mut failed = None;
        for gone in self.directories.difference(&wanted) {
            let _ = self.watcher.unwatch(gone);
        }
        self.directories.retain(|directory| wanted.contains(directory));
        let mut added = false;
        for new in wanted {
            if self.directories.contains(&new) {
                continue;
            }
            match self.watcher.watch(&new, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    added = true;
                    self.directories.insert(new);
                }
                // It is gone again, and its parent will tell of its return.
                Err(_) if !new.is_dir() => {}
                Err(error) if self.refused.insert(new) => failed = Some(error),
                Err(_) => {}
            }
        }
        (added, failed)
    }

    /// Waits for a burst of changes.
    pub(super) async fn burst(&mut self) -> Burst {
        let mut paths = BTreeSet::new();
        let Some(first) = self.changes.recv().await else { return std::future::pending().await };
        let since = Instant::now();
        self.note(first, &mut paths);
        while let Ok(Some(change)) = timeout_at((Instant::now() + QUIET).min(since + LONGEST), self.changes.recv()).await {
            self.note(change, &mut paths);
            if since.elapsed() > LONGEST {
                break;
            }
        }
        Burst { paths, since: since.into_std() }
    }

    fn note(&mut self, change: Change, paths: &mut BTreeSet<PathBuf>) {
        // A directory that comes back under the same name is another one.
        if change.gone && self.directories.remove(&change.path) {
            let _ = self.watcher.unwatch(&change.path);
        }
        paths.insert(change.path);
    }
}

/// What changed within a short time.
pub(super) struct Burst {
    paths: BTreeSet<PathBuf>,
    /// When the first change was noticed.
    pub(super) since: std::time::Instant,
}

/// Files that say what a project depends on, beside `requirements*.txt`.
const LISTS: [&str; 4] = ["pyproject.toml", "uv.lock", "poetry.lock", "pyvenv.cfg"];

impl Burst {
    /// The name of something because of which everything has to be resolved anew: settings, lists of dependencies, what installers touch.
    pub(super) fn reason(&self, root: &Path, settings: Option<&Path>, site_packages: &[PathBuf]) -> Option<String> {
        let found = self.paths.iter().find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let at_root = path.parent() == Some(root);
            let is_settings = settings == Some(path.as_path())
                || (at_root && ["toml", "json", "yaml", "yml"].iter().any(|kind| name == format!("zappa_settings.{kind}")));
            let is_list = at_root && LISTS.contains(&&*name) || name.starts_with("requirements") && name.ends_with(".txt");
            let installed = name != "__pycache__" && path.parent().is_some_and(|parent| site_packages.iter().any(|site| site == parent));
            is_settings || is_list || installed
        })?;
        Some(found.strip_prefix(root).unwrap_or(found).display().to_string())
    }
}
