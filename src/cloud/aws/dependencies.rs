//! Dependencies that travel by themselves: a layer ([`layer`]), or an object in the bucket that the function fetches when it starts. Either is named by what
//! it holds, so that what is there already is found again, and what nobody uses can be told.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::AwsError;
use super::configuration::Known;
use super::layer;
use super::stage::{Stage, State};
use super::storage::{Location, Store, hexadecimal};
use crate::cloud::{ArchiveSpec, CodeRef, CodeSpec, DependenciesRef};
use crate::model::Layout;
use crate::observe::Observer;

/// Begins the location of what is fetched.
const SCHEME: &str = "s3://";
/// What the hash follows in it.
const MARK: &str = "#sha256=";

/// What the variable of a function says that fetches its dependencies (see `shim/zappa/dependencies.py`).
fn location(object: &Location, archive: &ArchiveSpec) -> String {
    format!("{object}{MARK}{}", hexadecimal(&archive.sha256))
}

/// Whether this is the location of something that is fetched.
pub(super) fn is_fetched(location: &str) -> bool {
    location.starts_with(SCHEME) && location.contains(MARK)
}

/// Base64 of the hash of what is at a location; empty where nobody knows.
pub(super) fn sha256(state: &[layer::LayerVersion], location: &str) -> String {
    match location.rsplit_once(MARK).filter(|_| is_fetched(location)) {
        None => layer::sha256(state, location),
        Some((_, digits)) => {
            let digit = |index| u8::from_str_radix(digits.get(index..index + 2)?, 16).ok();
            STANDARD.encode((0..digits.len()).step_by(2).filter_map(digit).collect::<Vec<u8>>())
        }
    }
}

/// What the target has of a bundle already.
pub(super) struct There {
    pub(super) app: bool,
    pub(super) dependencies: Option<DependenciesRef>,
}

impl There {
    /// As far as it shows without a call.
    pub(super) fn of(state: &State, code: &CodeSpec) -> Self {
        let latest = super::function::latest(&state.versions);
        let known = |archive: &ArchiveSpec| {
            let location = match code.layout {
                Layout::Fetched => {
                    let mut known = state.versions.iter().filter_map(|version| version.dependencies.as_ref());
                    known.find(|there| is_fetched(there) && sha256(&[], there) == archive.sha256).cloned()
                }
                Layout::Layer | Layout::Together => layer::with(state, &archive.sha256),
            };
            Some(reference(code.layout, archive, location?))
        };
        Self {
            app: latest.is_some_and(|latest| latest.code_sha256 == code.app.sha256),
            dependencies: code.dependencies.as_ref().and_then(known),
        }
    }

    /// How many bytes of it are not there.
    pub(super) fn missing(&self, code: &CodeSpec) -> u64 {
        let app = if self.app { 0 } else { code.app.size };
        let dependencies = code.dependencies.as_ref().filter(|_| self.dependencies.is_none());
        app + dependencies.map_or(0, |archive| archive.size)
    }

    pub(super) fn is_all(&self, code: &CodeSpec) -> bool {
        self.app && self.dependencies.is_some() == code.dependencies.is_some()
    }

    /// For a bundle whose app is at `app`.
    pub(super) fn reference(self, code: &CodeSpec, app: &Location) -> CodeRef {
        let (code_sha256, code_size) = (code.app.sha256.clone(), code.app.size);
        CodeRef { code_sha256, code_size, location: app.to_string(), dependencies: self.dependencies }
    }
}

fn reference(layout: Layout, archive: &ArchiveSpec, location: String) -> DependenciesRef {
    DependenciesRef { layout, sha256: archive.sha256.clone(), size: archive.size, location }
}

/// A bundle on its way.
pub(super) struct Delivery<'a> {
    pub(super) store: Store<'a>,
    pub(super) stage: &'a Stage,
    pub(super) code: &'a CodeSpec,
    /// Whether archives on the way to Lambda are removed from the bucket once it has them.
    pub(super) forget: bool,
}

impl Delivery<'_> {
    /// Brings app and dependencies, as far as they are not there, to where a function can be made of them. Both come to their end before a failure of one
    /// is told.
    pub(super) async fn run(&self, mut there: There, observer: &dyn Observer) -> Result<CodeRef, AwsError> {
        let Self { store, code, .. } = self;
        let file = Location::File(code.app.path.clone());
        let app = async { if there.app { Ok(file) } else { store.put(&code.app, observer).await } };
        let apart = async {
            match &code.dependencies {
                Some(archive) if there.dependencies.is_none() => self.dependencies(archive, observer).await.map(Some),
                _ => Ok(None),
            }
        };
        let (app, apart) = tokio::join!(app, apart);
        let app = app?;
        if let Some(made) = apart? {
            there.dependencies = Some(made);
        }
        Ok(there.reference(code, &app))
    }

    /// Brings to where Lambda, or the function, can take it from what does not go along with a call.
    pub(super) async fn send(&self, there: &There, observer: &dyn Observer) -> Result<(), AwsError> {
        let Self { store, code, .. } = self;
        let app = async { if there.app { Ok(()) } else { store.put(&code.app, observer).await.map(drop) } };
        let apart = async {
            match code.dependencies.as_ref().filter(|_| there.dependencies.is_none()) {
                Some(archive) if code.layout == Layout::Fetched => store.keep(archive, observer).await.map(drop),
                Some(archive) => store.put(archive, observer).await.map(drop),
                None => Ok(()),
            }
        };
        let (app, apart) = tokio::join!(app, apart);
        app.and(apart)
    }

    async fn dependencies(&self, archive: &ArchiveSpec, observer: &dyn Observer) -> Result<DependenciesRef, AwsError> {
        let Self { store, stage, code, .. } = self;
        let location = match code.layout {
            Layout::Fetched => location(&store.keep(archive, observer).await?, archive),
            Layout::Layer | Layout::Together => {
                let at = store.put(archive, observer).await?;
                let known = stage.state.lock().await.layers.clone();
                let published = layer::publish(store.clients, store.names, code, (archive, &at), &known).await?;
                store.taken(&at, self.forget).await?;
                let arn = published.arn.clone();
                stage.state.lock().await.layers.push(published);
                arn
            }
        };
        Ok(reference(code.layout, archive, location))
    }
}

impl Known {
    /// Whether it fetches its dependencies when it starts.
    pub(super) fn fetches(&self) -> bool {
        self.dependencies.as_deref().is_some_and(is_fetched)
    }
}

/// Whether an object is what one of these versions fetches.
pub(super) fn is_used(versions: &[Known], bucket: &str, key: &str) -> bool {
    let object = Location::Object { bucket: bucket.to_owned(), key: key.to_owned() };
    let prefix = format!("{object}{MARK}");
    versions.iter().filter_map(|version| version.dependencies.as_ref()).any(|there| there.starts_with(&prefix))
}
