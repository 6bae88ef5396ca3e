//! One run of `zappa serve`: what serves, what was tried last, and the tree in which the next version will be laid out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

use super::disk::Disk;
use super::resolved::{Resolved, Setup, resolve};
use super::spare::Spare;
use super::watch::{Burst, Watch};
use crate::bundle::{BundleError, Changes, Layer, Manifest, Tree};
use crate::cli::ServeArgs;
use crate::cloud::local::{self, Foreground, ForegroundRelease, LocalError, STATE_DIRECTORY};
use crate::cloud::{CloudError, RouteSpec};
use crate::commands::interrupt::Stop;
use crate::commands::{CommandError, Context};
use crate::emulator::EmulatorError;
use crate::error::Error;
use crate::model::Version;
use crate::observe::Silent;
use crate::ui::{Console, Event, Shown};

/// How long requests in flight may still take at the end.
const GRACE: Duration = Duration::from_secs(5);
/// Where people look first.
const USUAL_PORT: u16 = 8000;

/// A running `zappa serve`.
pub(super) struct Session {
    context: Arc<Context>,
    args: ServeArgs,
    console: Console,
    shown: Shown,
    foreground: Foreground,
    disk: Arc<Disk>,
    watch: Watch,
    resolved: Resolved,
    /// The installed packages, for all trees.
    layer: Option<Arc<Layer>>,
    /// What was put up last, whether it serves or was refused.
    last: Option<Attempt>,
    /// The root of what serves.
    live: Option<(Version, PathBuf)>,
    /// A tree like the last one's, for the next one: made while nobody waits.
    spare: Option<Spare>,
    roots: u64,
    port: u16,
    /// Why nothing was resolved anew although it should have been.
    unresolved: Option<String>,
}

/// One version, put up.
struct Attempt {
    version: Version,
    tree: Arc<Tree>,
    setup: Setup,
    failed: bool,
}

impl Session {
    /// Resolves everything, opens the front door and puts up the first version.
    pub(super) async fn start(context: &Context, args: &ServeArgs, stop: &Stop) -> Result<Self, Error> {
        let begun = Instant::now();
        let observer = context.printer.observer();
        let mut resolved = tokio::task::block_in_place(|| resolve(context, args, observer))?;
        let watch = Watch::new().map_err(CommandError::Watch)?;
        let manifest = tokio::task::block_in_place(|| resolved.planner.plan(observer))?;
        let (console, shown) =
            Console::start(&context.printer, context.global.quiet, context.global.verbose > 0).map_err(CommandError::Runtime)?;
        let state = resolved.root.join(STATE_DIRECTORY);
        let foreground = Foreground::open(&state, &resolved.id, Arc::new(console.clone())).map_err(CloudError::from)?;
        let directory = foreground.directory().to_owned();
        stop.in_a_hurry(move || {
            let _ = local::remove_foreground(&directory, &state);
        });
        let mut session = Self {
            context: Arc::new(context.silent()),
            args: args.clone(),
            console,
            shown,
            foreground,
            disk: Arc::default(),
            watch,
            resolved,
            layer: None,
            last: None,
            live: None,
            spare: None,
            roots: 0,
            port: 0,
            unresolved: None,
        };
        match session.begin(manifest, begun).await {
            Ok(()) => Ok(session),
            Err(error) => {
                session.close().await?;
                Err(error)
            }
        }
    }

    async fn begin(&mut self, manifest: Manifest, begun: Instant) -> Result<(), Error> {
        let manifest = self.layered(manifest, true).await?;
        let root = self.new_root("code");
        let (disk, cache_tag) = (self.disk.clone(), self.resolved.cache_tag.clone());
        let tree = disk.run(move |cancelled| Tree::lay(&manifest, &root, &cache_tag, cancelled)).await?;
        tree.seal()?;
        let release = release(&self.resolved.setup, &tree);
        let version = self.foreground.put(&release).await;
        let address = self.open_door().await?;
        self.console.show(Event::Serving {
            url: format!("http://127.0.0.1:{address}/"),
            function: self.resolved.id.function_name(),
            front_door: self.resolved.route.front_door,
        });
        self.console.say(format!("watching `{}`; Ctrl-C ends it", self.resolved.root.display()));
        self.follow();
        self.promote(version, tree, Vec::new(), begun).await
    }

    /// Follows what is saved, for ever.
    pub(super) async fn serve(&mut self) -> Result<(), Error> {
        loop {
            let burst = self.watch.burst().await;
            self.react(&burst).await?;
            // What was saved in directories that were not watched yet.
            while self.follow() {
                self.update(burst.since, false).await?;
            }
        }
    }

    async fn react(&mut self, burst: &Burst) -> Result<(), Error> {
        let Resolved { root, settings, planner, .. } = &self.resolved;
        let reason = burst.reason(root, settings.as_deref(), planner.site_packages());
        let again = reason.is_some() || self.unresolved.is_some();
        if let Some(reason) = reason.or_else(|| self.unresolved.clone()) {
            self.console.say(format!("`{reason}` changed: settings and dependencies are resolved anew"));
            if !self.resolve_again(reason).await {
                return Ok(());
            }
        }
        self.update(burst.since, again).await
    }

    /// Returns whether it worked. If not, everything stays as it is.
    async fn resolve_again(&mut self, reason: String) -> bool {
        let (context, args, console) = (self.context.clone(), self.args.clone(), self.console.clone());
        let resolved = spawn_blocking(move || resolve(&context, &args, &console)).await;
        match resolved {
            Ok(Ok(resolved)) => {
                let moved = resolved.route != self.resolved.route;
                self.resolved = resolved;
                self.unresolved = None;
                if moved && let Err(error) = self.move_door().await {
                    self.failed(&error);
                }
                true
            }
            Ok(Err(error)) => {
                self.failed(&error);
                self.unresolved = Some(reason);
                false
            }
            Err(_) => false,
        }
    }

    /// Puts up a version of what is there now, if that is something else than what was put up last.
    async fn update(&mut self, since: Instant, resolved_again: bool) -> Result<(), Error> {
        // Short: only what changed is read. Nothing else that matters runs on this task.
        let planned = tokio::task::block_in_place(|| self.resolved.planner.plan(&Silent));
        let manifest = match planned {
            Ok(manifest) => self.layered(manifest, resolved_again).await,
            Err(error) => Err(error),
        };
        let manifest = match manifest {
            Ok(manifest) => manifest,
            Err(error) => {
                self.failed(&Error::from(error));
                return Ok(());
            }
        };
        let Some(last) = &self.last else { return Ok(()) };
        let frozen = if resolved_again { &[] } else { self.resolved.planner.site_packages() };
        let changes = tokio::task::block_in_place(|| last.tree.changes(&manifest, frozen, last.failed));
        if changes.is_empty() && last.setup == self.resolved.setup {
            return Ok(());
        }
        match self.lay_out(&manifest, &changes).await {
            Ok(tree) => {
                let changed = changes.paths().into_iter().map(str::to_owned).collect();
                let version = self.foreground.put(&release(&self.resolved.setup, &tree)).await;
                self.promote(version, tree, changed, since).await
            }
            Err(error) => {
                // A file that vanished in between, most likely; whatever made it vanish is the next change.
                self.failed(&Error::from(error));
                self.prepare_spare();
                Ok(())
            }
        }
    }

    async fn lay_out(&mut self, manifest: &Manifest, changes: &Changes) -> Result<Tree, BundleError> {
        let mut tree = match self.spare.take() {
            Some(spare) => spare.take().await?,
            None => return Err(BundleError::Empty),
        };
        tokio::task::block_in_place(|| {
            tree.change(manifest, changes)?;
            tree.seal()?;
            Ok(tree)
        })
    }

    /// Has a version serve if it survives its init.
    async fn promote(&mut self, version: Version, tree: Tree, changed: Vec<String>, since: Instant) -> Result<(), Error> {
        let outcome = self.foreground.promote(version).await.map_err(CloudError::from)?;
        let failed = outcome.is_err();
        match outcome {
            Ok(init) => {
                let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
                let (took_ms, init_ms) = (milliseconds(since.elapsed()), init.map(milliseconds));
                self.console.show(Event::Version { version, changed, took_ms, init_ms });
            }
            Err(refused) => self.console.show(Event::Refused {
                version,
                changed,
                error_type: refused.error_type,
                message: refused.error_message,
                live: self.foreground.live(),
            }),
        }
        let previous_live = self.live.as_ref().map(|(version, _)| *version);
        let attempt = Attempt { version, setup: self.resolved.setup.clone(), failed, tree: Arc::new(tree) };
        if !failed && let Some((version, root)) = self.live.replace((version, attempt.tree.root().to_owned())) {
            self.foreground.discard(version, root);
        }
        // What was refused was kept for the sake of the next tree.
        if let Some(last) = self.last.replace(attempt).filter(|last| Some(last.version) != previous_live) {
            self.foreground.discard(last.version, last.tree.root().to_owned());
        }
        self.prepare_spare();
        Ok(())
    }

    fn prepare_spare(&mut self) {
        let root = self.new_root("code");
        let Some(last) = &self.last else { return };
        self.spare = Some(Spare::make(last.tree.clone(), root, last.setup.python.clone(), self.disk.clone()));
    }

    /// The manifest with the installed packages as links to the layer, which is made anew if it has to be.
    async fn layered(&mut self, manifest: Manifest, look: bool) -> Result<Manifest, BundleError> {
        let site_packages = self.resolved.planner.site_packages().to_vec();
        let layer = match self.layer.clone() {
            Some(layer) if !look || tokio::task::block_in_place(|| layer.is_current(&manifest, &site_packages)) => layer,
            _ => {
                let (root, cache_tag) = (self.new_root("packages"), self.resolved.cache_tag.clone());
                let (manifest, site_packages) = (manifest.clone(), site_packages.clone());
                let disk = self.disk.clone();
                let lay = move |cancelled: &_| Layer::lay(&manifest, &site_packages, &root, &cache_tag, cancelled);
                let layer = Arc::new(disk.run(lay).await?);
                self.layer = Some(layer.clone());
                layer
            }
        };
        Ok(layer.reduce(&manifest, &site_packages))
    }

    fn new_root(&mut self, kind: &str) -> PathBuf {
        self.roots += 1;
        self.foreground.directory().join(format!("{kind}-{}", self.roots))
    }

    /// Watches what matters now. Returns whether something in it may have gone unnoticed.
    fn follow(&mut self) -> bool {
        let Resolved { root, settings, planner, .. } = &self.resolved;
        let own = planner.directories().iter().chain(planner.site_packages());
        let mut wanted: BTreeSet<PathBuf> = own.cloned().collect();
        wanted.insert(root.clone());
        wanted.extend(settings.as_deref().and_then(Path::parent).map(Path::to_owned));
        let (added, failed) = self.watch.follow(wanted);
        if let Some(error) = failed {
            self.console.say(format!("warning: a part of the project cannot be watched, changes there go unnoticed: {error}"));
        }
        added
    }

    /// Opens the front door where it is wanted, or at the first port that can be had.
    async fn open_door(&mut self) -> Result<u16, Error> {
        let RouteSpec { port: wanted, .. } = self.resolved.route;
        if self.args.port.is_some() {
            return self.open_at(wanted).await;
        }
        let usual = wanted.unwrap_or(USUAL_PORT);
        for port in [Some(usual), Some(own_port(&self.resolved.root)), None] {
            match self.open_at(port).await {
                Err(Error::Cloud(_)) if port.is_some() => {}
                opened => {
                    if port != Some(usual) {
                        self.console.say(format!("port {usual} is taken: this is port {} instead", self.port));
                    }
                    return opened;
                }
            }
        }
        self.open_at(None).await
    }

    async fn open_at(&mut self, port: Option<u16>) -> Result<u16, Error> {
        let route = RouteSpec { port, ..self.resolved.route.clone() };
        let opened = self.foreground.route(&route).await.map_err(|error| match error {
            LocalError::Emulator(EmulatorError::Listen { port, source }) => LocalError::PortTaken { port, reason: source.to_string() },
            error => error,
        });
        self.port = opened.map_err(CloudError::from)?.port();
        Ok(self.port)
    }

    /// After the settings have changed.
    async fn move_door(&mut self) -> Result<(), Error> {
        let before = self.port;
        let port = self.open_at(Some(self.resolved.route.port.unwrap_or(before))).await?;
        self.console.show(Event::Serving {
            url: format!("http://127.0.0.1:{port}/"),
            function: self.resolved.id.function_name(),
            front_door: self.resolved.route.front_door,
        });
        Ok(())
    }

    fn failed(&self, error: &Error) {
        let mut causes = Vec::new();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            causes.push(inner.to_string());
            cause = inner.source();
        }
        self.console.show(Event::Failed { message: error.to_string(), causes, hints: error.hints(), live: self.foreground.live() });
    }

    /// Says what the end waits for.
    pub(super) fn ending(&self) {
        self.console.say("requests in flight may end; Ctrl-C once more ends at once");
    }

    /// Ends everything, and leaves nothing behind.
    pub(super) async fn close(mut self) -> Result<(), Error> {
        if let Some(spare) = self.spare.take() {
            let _ = spare.take().await;
        }
        self.disk.close().await;
        let closed = self.foreground.close(GRACE).await.map_err(CloudError::from);
        drop(self.console);
        self.shown.finish();
        Ok(closed?)
    }
}

fn release(setup: &Setup, tree: &Tree) -> ForegroundRelease {
    let Setup { function, concurrency, python, region } = setup.clone();
    ForegroundRelease { function, code: tree.root().to_owned(), python, region, concurrency }
}

/// A port that stays the same for a project, for when the usual one is taken.
fn own_port(root: &Path) -> u16 {
    let hash = Sha256::digest(root.as_os_str().as_encoded_bytes());
    8100 + u16::from_le_bytes([hash[0], hash[1]]) % 800
}
