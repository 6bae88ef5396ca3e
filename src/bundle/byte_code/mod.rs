//! Byte code beside every Python file of a bundle, so that nothing is compiled where it runs: compiled here, by an interpreter of the target's minor
//! version (`interpreter`, `compiler`), once for every source (`store`), the same to the byte everywhere (`canonical`).
//!
//! The byte code is of the kind that is good for whatever source stands beside it (PEP 552, unchecked hash): times in an archive mean nothing.

mod canonical;
mod code;
mod compiler;
mod interpreter;
mod store;

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use self::code::Maker;
use self::compiler::Compiled;
use self::store::{Outcome, Store};
use super::cache::{Compressor, Digest, Members};
use super::manifest::Inputs;
use super::{Entry, Manifest, Part, Source, workers};
use crate::model::{Layout, Runtime, TASK_ROOT, size};
use crate::observe::{Observer, Task};
use crate::project::Interpreter;

pub use self::code::ByteCode;
pub(super) use self::compiler::Compiler;

/// What the reason of byte code begins with; behind it stands the distribution, or the project's file.
pub(super) const REASON: &str = "byte code of ";
/// How many files a warning names.
const NAMED: usize = 10;

/// Adds byte code to `manifest`. Where that cannot be, says so: a bundle without is a slower one, and no failure.
pub(super) fn add(inputs: &Inputs<'_>, manifest: &mut Manifest, observer: &dyn Observer) {
    let sources = sources(manifest, inputs);
    if sources.is_empty() || !manifest.has_room_for(&[]) {
        return;
    }
    let runtime = runtime(inputs);
    let Some(interpreter) = interpreter::find(inputs.project, runtime, inputs.options.search_path.as_deref()) else {
        observer.note(&format!("no byte code in the bundle: there is no Python 3.{} here that could compile it", runtime.minor));
        return;
    };
    let known = manifest.known.clone();
    let mut work = Work {
        runtime,
        layout: manifest.layout,
        store: Store::new(inputs.cache, &interpreter.version, &known),
        interpreter: &interpreter,
        observer,
        total: sources.len(),
        done: AtomicU64::new(0),
        task: OnceLock::new(),
        full: AtomicBool::new(false),
    };
    let outcomes = match workers::each(sources.len(), Tools::default, |tools, index| work.outcome(sources.get(index), tools)) {
        Ok(outcomes) => {
            if let Some(task) = work.task.take() {
                task.done("");
            }
            outcomes
        }
        Err(error) => {
            let python = interpreter.executable.display();
            observer.note(&format!("no byte code in the bundle: `{python}` cannot compile it ({error})"));
            return;
        }
    };
    if let Err(error) = work.store.save() {
        observer.detail(&format!("byte code is not kept for the next time: {error}"));
    }
    let maker = Arc::new(Maker { python: interpreter.executable.clone(), runtime, members: Members::new(inputs.cache) });
    let mut entries = Vec::new();
    let mut refused = Refused { version: runtime.minor, own: Vec::new() };
    for ((source, path), result) in sources.iter().zip(outcomes) {
        // A source that cannot be read: the archive's writer says why.
        let Some(Found { name, digest, in_lambda, outcome }) = result else { continue };
        let (size, code) = match outcome {
            Outcome::Refused(why) => {
                refused.tell(source, &why, observer);
                continue;
            }
            Outcome::Compiled(code) => (code.len() as u64, Source::Bytes(code)),
            Outcome::Kept(size) => {
                let (source, maker) = (source.source.clone(), maker.clone());
                (size, Source::ByteCode(Box::new(ByteCode { name, size, source, digest, path: in_lambda, maker })))
            }
        };
        entries.push(entry(source, path, size, code));
    }
    refused.end(observer);
    let added: u64 = entries.iter().map(|entry| entry.size).sum();
    if !manifest.has_room_for(&entries) {
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
fn sources<'m>(manifest: &'m Manifest, inputs: &Inputs<'_>) -> Vec<(&'m Entry, String)> {
    let taken: HashSet<&str> = manifest.entries.iter().map(|entry| entry.path.as_str()).collect();
    let tag = format!("cpython-3{}", runtime(inputs).minor);
    let sources = manifest.entries.iter().filter_map(|entry| Some((entry, compiled(&entry.path, &tag)?)));
    sources.filter(|(_, path)| !taken.contains(path.as_str())).collect()
}

/// `a/b.py` → `a/__pycache__/b.cpython-311.pyc`.
pub(super) fn compiled(path: &str, cache_tag: &str) -> Option<String> {
    let stem = path.strip_suffix(".py")?;
    Some(match stem.rsplit_once('/') {
        Some((directory, name)) => format!("{directory}/__pycache__/{name}.{cache_tag}.pyc"),
        None => format!("__pycache__/{stem}.{cache_tag}.pyc"),
    })
}

fn entry(source: &Entry, path: &str, size: u64, code: Source) -> Entry {
    let of = if source.part == Part::App { &source.path } else { &source.reason };
    Entry { path: path.to_owned(), part: source.part, size, executable: false, reason: format!("{REASON}{of}"), source: code, digest: None }
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
    layout: Layout,
    interpreter: &'a Interpreter,
    store: Store<'a>,
    observer: &'a dyn Observer,
    total: usize,
    done: AtomicU64,
    /// Begins when something really has to be compiled.
    task: OnceLock<Task<'a>>,
    /// Whether the cache has refused to take something.
    full: AtomicBool,
}

/// What a thread needs when something has to be compiled.
#[derive(Default)]
struct Tools {
    compiler: Option<Compiler>,
    compressor: Option<Compressor>,
}

/// What became of one source.
struct Found {
    name: Digest,
    /// Of the source.
    digest: Digest,
    /// Where the source will be.
    in_lambda: String,
    outcome: Outcome,
}

impl Work<'_> {
    /// `None` for a source that cannot be read. An error says that the interpreter is of no use.
    fn outcome(&self, source: Option<&(&Entry, String)>, tools: &mut Tools) -> io::Result<Option<Found>> {
        let Some((entry, _)) = source else { return Ok(None) };
        let done = self.done.fetch_add(1, Ordering::Relaxed);
        if let Some(task) = self.task.get() {
            task.advance(done);
        }
        let (digest, read) = match (&entry.source, &entry.digest) {
            (Source::File(_), Some(digest)) => (*digest, None),
            (Source::File(path), None) => match self.store.known.content(path) {
                Ok(Some(content)) => (content.digest, content.bytes),
                Ok(None) | Err(_) => return Ok(None),
            },
            (Source::Bytes(bytes), _) => (Digest::of(bytes), Some(bytes.clone())),
            (Source::ByteCode(_) | Source::Stripped(_), _) => return Ok(None),
        };
        // Tracebacks name files as they are in Lambda.
        let root = if entry.part.is_apart(self.layout) { self.layout.dependencies_root() } else { TASK_ROOT };
        let in_lambda = format!("{root}/{}", entry.path);
        let name = self.store.name(&in_lambda, &digest);
        let outcome = match self.store.get(&name) {
            Some(outcome) => outcome,
            None => match read.map_or_else(|| self.read(entry, &digest), Some) {
                Some(bytes) => self.compile(&name, &in_lambda, &bytes, tools)?,
                None => return Ok(None),
            },
        };
        Ok(Some(Found { name, digest, in_lambda, outcome }))
    }

    /// A source that is known, and yet has never been compiled like this.
    fn read(&self, entry: &Entry, digest: &Digest) -> Option<Vec<u8>> {
        let Source::File(path) = &entry.source else { return None };
        std::fs::read(path).ok().filter(|bytes| Digest::of(bytes) == *digest)
    }

    fn compile(&self, name: &Digest, path: &str, source: &[u8], tools: &mut Tools) -> io::Result<Outcome> {
        let running = match &mut tools.compiler {
            Some(running) => running,
            slot => slot.insert(Compiler::start(&self.interpreter.executable, self.runtime)?),
        };
        self.task.get_or_init(|| Task::begin(self.observer, "compile byte code", Some(self.total as u64)));
        let Ok(compiled) = running.compile(path, source) else {
            // Gone over this very source, or ended by somebody: nothing to remember.
            tools.compiler = None;
            return Ok(Outcome::Refused("the interpreter ended while it compiled it".to_owned()));
        };
        let (outcome, kept) = match compiled {
            Compiled::Refused(why) => {
                let kept = self.store.refuse(name, &why);
                (Outcome::Refused(why), kept)
            }
            Compiled::Code(code) => match self.store.keep(name, &code, tools.compressor.get_or_insert_with(Compressor::new)) {
                Ok(outcome) => (outcome, Ok(())),
                Err(error) => (Outcome::Compiled(code), Err(error)),
            },
        };
        if let Err(error) = kept
            && !self.full.swap(true, Ordering::Relaxed)
        {
            self.observer.detail(&format!("byte code is not kept for the next time: {error}"));
        }
        Ok(outcome)
    }
}
