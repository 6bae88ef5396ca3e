//! How long the app of a bundle takes to import, and whose time that is: measured once, in a sandbox on this machine.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use zip::ZipArchive;
use zip::result::ZipError;

use super::package::PackageRequest;
use crate::bundle::{Archive, ArchiveRole, Bundle, BundleError, Listing};
use crate::emulator::{FunctionConfig, Imported, Module, Raised, measure_imports, ric};
use crate::hint::Hint as _;
use crate::model::{HANDLER, Layout};
use crate::observe::{Observer, Task};

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How many modules are told of, by their own time.
const MODULES: usize = 40;
/// Below this share of the whole, a module is left out of the tree.
const LEAST: f64 = 0.004;
/// Values shorter than this say nothing when they are found in a message, and everything else is found in them.
const SHORTEST_SECRET: usize = 4;
/// An account that AWS never issues.
const ACCOUNT: &str = "000000000000";
/// What is neither the app's nor a distribution's.
const PYTHON: &str = "Python and the runtime";

/// What was measured.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Imports {
    /// With which Python.
    pub python: String,
    /// The whole, in microseconds.
    pub total_us: u64,
    /// How many modules.
    pub count: usize,
    /// Whose code took how long, the slowest first.
    pub owners: Vec<OwnerTime>,
    /// The slowest modules, by their own code.
    pub modules: Vec<ModuleTime>,
    /// What imported what, without what hardly counts.
    #[serde(skip)]
    pub tree: Vec<Module>,
    /// Why it did not come to its end.
    pub failure: Option<String>,
}

/// What one distribution, or the app, takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnerTime {
    /// As in the weights.
    pub name: String,
    /// The code of its own modules, in microseconds.
    pub self_us: u64,
    /// How many of them.
    pub modules: usize,
}

/// What one module takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModuleTime {
    /// Its full name.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// Its own code, in microseconds.
    pub self_us: u64,
    /// With all that it imported first.
    pub total_us: u64,
}

/// Unpacks the archives as Lambda does and imports the handler. Whatever fails is told in the result.
pub async fn measure(
    request: &PackageRequest<'_>,
    bundle: &Bundle,
    listing: &Listing,
    observer: &dyn Observer,
) -> Result<Imports, BundleError> {
    let interpreter = &request.project.interpreter;
    let made = |failure| Imports { python: interpreter.version.clone(), failure: Some(failure), ..Imports::default() };
    let runtime = || ric::ensure_runtime(&interpreter.base_executable, &interpreter.version, request.cache, observer);
    let python = match tokio::task::block_in_place(runtime) {
        Ok(python) => python,
        Err(error) => {
            let hints = error.hints().into_iter().map(|hint| format!("\n{hint}"));
            return Ok(made(format!("{error}{}", hints.collect::<String>())));
        }
    };
    let task = Task::begin(observer, "import times", None);
    // As the interpreter is going to name it.
    let scratch = request.scratch.canonicalize().map_err(|source| BundleError::Read { path: request.scratch.to_owned(), source })?;
    let directory = scratch.join("import-times");
    let (code, layer) = (directory.join("task"), directory.join("opt"));
    for archive in &bundle.archives {
        let place = if archive.role == ArchiveRole::App { &code } else { &layer };
        tokio::task::block_in_place(|| unpack(archive, place))?;
    }
    let mut config = configuration(request, python, code, &directory);
    let mut fetched = Vec::new();
    match request.settings.packaging.layout {
        Layout::Layer => config.layer = bundle.dependencies().map(|_| layer),
        Layout::Fetched => fetched.push(layer),
        Layout::Together => {}
    }
    let imports = match measure_imports(&config, &fetched).await {
        Ok(imported) => told(imported, listing, &interpreter.version, &|text| redacted(text, &config, &directory)),
        Err(error) => made(format!("the interpreter could not be started: {error}")),
    };
    task.done(&format!("{} ms", imports.total_us / 1000));
    Ok(imports)
}

fn configuration(request: &PackageRequest<'_>, python: PathBuf, code: PathBuf, directory: &Path) -> FunctionConfig {
    let settings = request.settings;
    let function_name = settings.id.function_name();
    FunctionConfig {
        version: 0,
        function_arn: format!("arn:aws:lambda:{}:{ACCOUNT}:function:{function_name}", region(request)),
        account_id: ACCOUNT.to_owned(),
        region: region(request),
        function_name,
        code,
        layer: None,
        handler: HANDLER.to_owned(),
        python,
        runtime: settings.runtime.unwrap_or(request.project.interpreter.runtime).to_string(),
        environment: settings.environment.clone(),
        memory_mb: settings.memory_size,
        ephemeral_storage_mb: settings.ephemeral_storage,
        timeout: LIMIT,
        concurrency: 1,
        scratch: directory.join("scratch"),
        log_file: directory.join("log"),
    }
}

fn region(request: &PackageRequest<'_>) -> String {
    request.settings.access.region.clone().unwrap_or_else(|| "us-east-1".to_owned())
}

fn unpack(archive: &Archive, place: &Path) -> Result<(), BundleError> {
    let unpacked = File::open(&archive.path).map_err(ZipError::from).and_then(|file| ZipArchive::new(file)?.extract(place));
    unpacked.map_err(|error| BundleError::Write { path: place.to_owned(), source: error.into() })
}

/// Sums up. `clean` takes out of a message what nobody else should read.
fn told(imported: Imported, listing: &Listing, python: &str, clean: &dyn Fn(&str) -> String) -> Imports {
    let Imported { modules: roots, raised, cut_short } = imported;
    let owner_of = owners(listing);
    let mut modules = Vec::new();
    flatten(&roots, &owner_of, &mut modules);
    let total_us: u64 = modules.iter().map(|module| module.self_us).sum();
    let count = modules.len();
    let mut sums = BTreeMap::<&str, (u64, usize)>::new();
    for module in &modules {
        let sum = sums.entry(&module.owner).or_default();
        sum.0 += module.self_us;
        sum.1 += 1;
    }
    let mut owners: Vec<OwnerTime> =
        sums.into_iter().map(|(name, (self_us, modules))| OwnerTime { name: name.to_owned(), self_us, modules }).collect();
    owners.sort_by_key(|owner| std::cmp::Reverse(owner.self_us));
    modules.sort_by_key(|module| std::cmp::Reverse(module.self_us));
    modules.truncate(MODULES);
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a threshold")]
    let least = (total_us as f64 * LEAST) as u64;
    let failure = raised.map(|Raised { kind, message, frames }| {
        frames.iter().rev().fold(format!("{kind}: {message}"), |text, frame| format!("{text}\n  {frame}"))
    });
    let failure = failure.or(cut_short).map(|text| clean(&text));
    Imports { python: python.to_owned(), total_us, count, owners, modules, tree: pruned(roots, least), failure }
}

fn flatten(tree: &[Module], owner_of: &HashMap<String, &str>, all: &mut Vec<ModuleTime>) {
    for module in tree {
        flatten(&module.imports, owner_of, all);
        let owner = owner(&module.name, owner_of).to_owned();
        all.push(ModuleTime { name: module.name.clone(), owner, self_us: module.self_us, total_us: module.total_us });
    }
}

/// A module that stands in no file was made by the package that it is in.
fn owner<'a>(module: &str, owner_of: &HashMap<String, &'a str>) -> &'a str {
    let above = std::iter::successors(Some(module), |name| name.rsplit_once('.').map(|(above, _)| above));
    above.into_iter().find_map(|name| owner_of.get(name).copied()).unwrap_or(PYTHON)
}

/// Whose file each module stands in.
fn owners(listing: &Listing) -> HashMap<String, &str> {
    let members = listing.members().filter(|member| !member.byte_code);
    members.filter_map(|member| Some((module(&member.path)?, member.owner.as_str()))).collect()
}

/// The module that a file at this path is.
fn module(path: &str) -> Option<String> {
    let (directory, file) = path.rsplit_once('/').map_or(("", path), |(directory, file)| (directory, file));
    let (stem, extension) = file.split_once('.')?;
    let is_module = extension == "py" || extension == "pyc" || ["so", "pyd"].iter().any(|end| extension.rsplit('.').next() == Some(end));
    if !is_module {
        return None;
    }
    let package = directory.replace('/', ".");
    match (package.is_empty(), stem) {
        (true, _) => Some(stem.to_owned()),
        (false, "__init__") => Some(package),
        (false, _) => Some(format!("{package}.{stem}")),
    }
}

fn pruned(tree: Vec<Module>, least: u64) -> Vec<Module> {
    let heavy = tree.into_iter().filter(|module| module.total_us >= least);
    heavy.map(|module| Module { imports: pruned(module.imports, least), ..module }).collect()
}

/// Without the values of the stage's variables, and with Lambda's name for the task root.
fn redacted(text: &str, config: &FunctionConfig, directory: &Path) -> String {
    let mut values: Vec<(&String, &String)> = config.environment.iter().filter(|(_, value)| value.len() >= SHORTEST_SECRET).collect();
    // One may be part of another.
    values.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    let text = values.into_iter().fold(text.to_owned(), |text, (name, value)| text.replace(value.as_str(), &format!("[{name}]")));
    let text = text.replace(&*config.code.to_string_lossy(), "/var/task");
    text.replace(&*directory.to_string_lossy(), "")
}
