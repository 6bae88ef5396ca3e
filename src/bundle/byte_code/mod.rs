//! Byte code beside every Python file of a bundle, so that nothing is compiled where it runs: compiled here, by an interpreter of the target's minor
//! version (`interpreter`, `compiler`), once for every source (`store`), the same to the byte everywhere (`canonical`).
//!
//! The byte code is of the kind that is good for whatever source stands beside it (PEP 552, unchecked hash): times in an archive mean nothing.

mod canonical;
mod compiler;
mod interpreter;
mod store;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use self::compiler::Compiler;
use self::store::Store;
use super::manifest::Inputs;
use super::{Entry, MAX_UNPACKED, Manifest, Part, Source};
use crate::model::{Runtime, size};
use crate::observe::{Observer, Task};
use crate::project::Interpreter;

/// Where Lambda unpacks a bundle. Tracebacks name files as they are there.
const TASK_ROOT: &str = "/var/task";
/// What the reason of byte code begins with; behind it stands the distribution, or the project's file.
pub(super) const REASON: &str = "byte code of ";
/// How many files a warning names.
const NAMED: usize = 10;

/// What became of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// A `.pyc`.
    Compiled(Vec<u8>),
    /// Why there is none.
    Refused(String),
}

/// Adds byte code to `manifest`. Where that cannot be, says so: a bundle without is a slower one, and no failure.
pub(super) fn add(inputs: &Inputs<'_>, manifest: &mut Manifest, observer: &dyn Observer) {
    let unpacked = manifest.unpacked_size();
    let sources = sources(manifest, inputs);
    if sources.is_empty() || unpacked > MAX_UNPACKED {
        return;
    }
    let runtime = runtime(inputs);
    let Some(interpreter) = interpreter::find(inputs.project, runtime, inputs.options.search_path.as_deref()) else {
        observer.note(&format!("no byte code in the bundle: there is no Python 3.{} here that could compile it", runtime.minor));
        return;
    };
    let mut work = Work {
        runtime,
        store: Store::new(inputs.cache, &interpreter.version),
        interpreter,
        observer,
        next: AtomicUsize::new(0),
        total: sources.len(),
        task: OnceLock::new(),
        full: AtomicBool::new(false),
        failure: Mutex::new(None),
    };
    let outcomes = match work.run(&sources) {
        Ok(outcomes) => {
            if let Some(task) = work.task.take() {
                task.done("");
            }
            outcomes
        }
        Err(error) => {
            let python = work.interpreter.executable.display();
            observer.note(&format!("no byte code in the bundle: `{python}` cannot compile it ({error})"));
            return;
        }
    };
    let mut entries = Vec::new();
    let mut refused = Refused { version: runtime.minor, own: Vec::new() };
    for (index, outcome) in outcomes {
        let Some((source, path)) = sources.get(index) else { continue };
        match outcome {
            Outcome::Compiled(code) => entries.push(entry(source, path, code)),
            Outcome::Refused(why) => refused.tell(source, &why, observer),
        }
    }
    refused.end(observer);
    let added: u64 = entries.iter().map(|entry| entry.size).sum();
    if unpacked + added > MAX_UNPACKED {
        observer.note(&format!("no byte code in the bundle: with {} of it, it would be larger than Lambda takes", size(added)));
        return;
    }
    manifest.entries.extend(entries);
    manifest.entries.sort_by(|a, b| a.path.cmp(&b.path));
}

fn runtime(inputs: &Inputs<'_>) -> Runtime {
    inputs.settings.runtime.unwrap_or(inputs.project.interpreter.runtime)
}

/// Python files, and where their byte code goes, unless something else is there.
fn sources(manifest: &Manifest, inputs: &Inputs<'_>) -> Vec<(Entry, String)> {
    let taken: BTreeSet<&str> = manifest.entries.iter().map(|entry| entry.path.as_str()).collect();
    let tag = format!("cpython-3{}", runtime(inputs).minor);
    let sources = manifest.entries.iter().filter_map(|entry| Some((entry, compiled(&entry.path, &tag)?)));
    sources.filter(|(_, path)| !taken.contains(path.as_str())).map(|(entry, path)| (entry.clone(), path)).collect()
}

/// `a/b.py` → `a/__pycache__/b.cpython-311.pyc`.
pub(super) fn compiled(path: &str, cache_tag: &str) -> Option<String> {
    let stem = path.strip_suffix(".py")?;
    Some(match stem.rsplit_once('/') {
        Some((directory, name)) => format!("{directory}/__pycache__/{name}.{cache_tag}.pyc"),
        None => format!("__pycache__/{stem}.{cache_tag}.pyc"),
    })
}

fn entry(source: &Entry, path: &str, code: Vec<u8>) -> Entry {
    let of = if source.part == Part::App { &source.path } else { &source.reason };
    Entry {
        path: path.to_owned(),
        part: source.part,
        size: code.len() as u64,
        executable: false,
        reason: format!("{REASON}{of}"),
        source: Source::Bytes(code),
    }
}

/// Sources that do not compile.
struct Refused {
    version: u8,
    /// The project's own.
    own: Vec<String>,
}

impl Refused {
    fn tell(&mut self, source: &Entry, why: &str, observer: &dyn Observer) {
        observer.detail(&format!("no byte code of `{}`: {why}", source.path));
        if source.part == Part::App {
            self.own.push(source.path.clone());
        }
    }

    fn end(self, observer: &dyn Observer) {
        let Self { version, own } = self;
        if own.is_empty() {
            return;
        }
        let named: Vec<String> = own.iter().take(NAMED).map(|path| format!("`{path}`")).collect();
        let more = own.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let verb = if own.len() == 1 { "does" } else { "do" };
        observer.warn(&format!("{}{more} {verb} not compile with Python 3.{version}", named.join(", ")));
    }
}

/// One build's byte code, made on all cores.
struct Work<'a> {
    runtime: Runtime,
    interpreter: Interpreter,
    store: Store,
    observer: &'a dyn Observer,
    /// The next source that nobody has.
    next: AtomicUsize,
    total: usize,
    /// Begins when something really has to be compiled.
    task: OnceLock<Task<'a>>,
    /// Whether the cache has refused to take something.
    full: AtomicBool,
    /// Why the interpreter is of no use.
    failure: Mutex<Option<io::Error>>,
}

impl Work<'_> {
    /// The outcomes with the number of their source, in order. A source that cannot be read has none: the archive's writer says why.
    fn run(&self, sources: &[(Entry, String)]) -> io::Result<Vec<(usize, Outcome)>> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let mut outcomes: Vec<_> = thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| self.work(sources))).collect();
            workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
        });
        if let Some(error) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        outcomes.sort_unstable_by_key(|(index, _)| *index);
        Ok(outcomes)
    }

    fn work(&self, sources: &[(Entry, String)]) -> Vec<(usize, Outcome)> {
        let mut compiler = None;
        let mut outcomes = Vec::new();
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some((source, _)) = sources.get(index) else { return outcomes };
            match self.outcome(source, &mut compiler) {
                Ok(outcome) => outcomes.extend(outcome.map(|outcome| (index, outcome))),
                Err(error) => {
                    // The others find nothing left to do.
                    self.next.store(sources.len(), Ordering::Relaxed);
                    *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    return outcomes;
                }
            }
            if let Some(task) = self.task.get() {
                task.advance(index as u64);
            }
        }
    }

    fn outcome(&self, entry: &Entry, compiler: &mut Option<Compiler>) -> io::Result<Option<Outcome>> {
        let read;
        let source = match &entry.source {
            Source::Bytes(bytes) => bytes,
            Source::File(path) => match fs::read(path) {
                Ok(bytes) => {
                    read = bytes;
                    &read
                }
                Err(_) => return Ok(None),
            },
        };
        let path = format!("{TASK_ROOT}/{}", entry.path);
        let key = self.store.key(&path, source);
        if let Some(outcome) = self.store.get(&key) {
            return Ok(Some(outcome));
        }
        let running = match compiler {
            Some(running) => running,
            None => compiler.insert(Compiler::start(&self.interpreter.executable, self.runtime)?),
        };
        self.task.get_or_init(|| Task::begin(self.observer, "compile byte code", Some(self.total as u64)));
        let Ok(outcome) = running.compile(&path, source) else {
            // Gone over this very source, or ended by somebody: nothing to remember.
            *compiler = None;
            return Ok(Some(Outcome::Refused("the interpreter ended while it compiled it".to_owned())));
        };
        if let Err(error) = self.store.put(&key, &outcome)
            && !self.full.swap(true, Ordering::Relaxed)
        {
            self.observer.detail(&format!("byte code is not kept for the next time: {error}"));
        }
        Ok(Some(outcome))
    }
}
