//! What a Python source refers to that a rule would leave out, read off its text without understanding it. It errs on the side of finding too much:
//! what it finds stays in the bundle.

use std::collections::BTreeSet;

use memchr::memmem::{self, Finder};

use super::table::READS_STUBS;

/// Names of directories and modules that are left out unless something refers to them, without the `s` at their ends.
const WORDS: [&str; 4] = ["test", "doc", "example", "conftest"];
/// The package of setuptools that old code asks for its version or its files, without requiring setuptools.
pub(in crate::bundle) const PKG_RESOURCES: &str = "pkg_resources";

/// Looks for references.
pub(in crate::bundle) struct Scanner {
    words: Vec<Finder<'static>>,
    pkg_resources: Finder<'static>,
    stubs: [Finder<'static>; 2],
}

/// A source and where it is.
struct Text<'t> {
    bytes: &'t [u8],
    /// The directory that it is in, without a slash at the end; empty at the root.
    directory: &'t str,
    /// Whether it is Python, and not a list of entry points.
    is_python: bool,
}

impl Scanner {
    pub(in crate::bundle) fn new() -> Self {
        Self {
            words: WORDS.iter().map(Finder::new).collect(),
            pkg_resources: Finder::new(PKG_RESOURCES),
            stubs: [Finder::new("attach_stub"), Finder::new(".pyi")],
        }
    }

    /// Adds to `found` what the source at `path` of the bundle refers to: directories and modules as paths without an ending (`pandas/tests`), the
    /// names of `files` that it has, [`READS_STUBS`] and [`PKG_RESOURCES`].
    pub(in crate::bundle) fn scan(&self, path: &str, bytes: &[u8], files: &BTreeSet<&str>, found: &mut BTreeSet<String>) {
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let text = Text { bytes, directory, is_python: path.ends_with(".py") };
        for finder in &self.words {
            for start in finder.find_iter(bytes) {
                text.word(start, finder.needle().len(), found);
            }
        }
        if self.pkg_resources.find_iter(bytes).any(|start| text.demands(start)) {
            found.insert(PKG_RESOURCES.to_owned());
        }
        let [call, ending] = &self.stubs;
        let reads = |start: usize| matches!(text.at(start + ending.needle().len()), b'"' | b'\'');
        if call.find(bytes).is_some() || ending.find_iter(bytes).any(reads) {
            found.insert(READS_STUBS.to_owned());
        }
        for file in files {
            let whole = |start: usize| !in_name(text.before(start)) && !in_name(text.at(start + file.len())) && !text.is_comment(start);
            if !found.contains(*file) && memmem::find_iter(bytes, file).any(whole) {
                found.insert((*file).to_owned());
            }
        }
    }
}

/// Whether the word is one that sources are full of.
fn is_about_tests(word: &str) -> bool {
    matches!(word, "test" | "tests" | "conftest")
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

impl Text<'_> {
    fn at(&self, index: usize) -> u8 {
        self.bytes.get(index).copied().unwrap_or(b'\n')
    }

    fn before(&self, index: usize) -> u8 {
        index.checked_sub(1).map_or(b'\n', |index| self.at(index))
    }

    /// The text that ends at `end` and holds nothing but what `wanted` takes.
    fn back(&self, end: usize, wanted: impl Fn(u8) -> bool) -> &str {
        let start = self.bytes[..end].iter().rposition(|byte| !wanted(*byte)).map_or(0, |index| index + 1);
        std::str::from_utf8(&self.bytes[start..end]).unwrap_or_default()
    }

    fn line_start(&self, index: usize) -> usize {
        memchr::memrchr(b'\n', &self.bytes[..index]).map_or(0, |newline| newline + 1)
    }

    fn is_comment(&self, index: usize) -> bool {
        self.bytes[self.line_start(index)..index].trim_ascii_start().starts_with(b"#")
    }

    /// A word at `start` that may be a reference.
    fn word(&self, start: usize, length: usize, found: &mut BTreeSet<String>) {
        let mut end = start + length;
        if self.at(end) == b's' {
            end += 1;
        }
        if in_name(self.before(start)) || in_name(self.at(end)) || self.is_comment(start) {
            return;
        }
        let Ok(word) = std::str::from_utf8(&self.bytes[start..end]) else { return };
        if let Some(origin) = self.imported_from(start) {
            found.extend(self.resolve(&format!("{origin}{word}")));
            return;
        }
        // Prose is full of such words: elsewhere only what a string begins with counts, and what follows a placeholder in one.
        let quote = |byte: u8| byte == b'"' || byte == b'\'';
        let begins_string =
            |start: usize| (quote(self.before(start)) && !quote(self.before(start.saturating_sub(1)))) || self.before(start) == b'}';
        match (self.before(start), self.at(end)) {
            (b'.', _) => {
                let above = self.back(start, |byte| in_name(byte) || byte == b'.');
                let first = start - above.len();
                if !self.is_python || begins_string(first) || self.is_import(first) {
                    found.extend(self.resolve(&format!("{above}{word}")));
                }
            }
            // The name of a module.
            (b'"' | b'\'', b'.') => found.extend(self.resolve(word)),
            (b'"' | b'\'', b'"' | b'\'') if is_about_tests(word) && !self.is_step(start, end) => {
                // Many a list holds the word. Where a package of this name stands at the root, it is one of them (`INSTALLED_APPS`).
                found.insert(word.to_owned());
            }
            (b'"' | b'\'' | b'/', b'"' | b'\'' | b'/') => {
                let above = self.back(start, |byte| in_name(byte) || matches!(byte, b'/' | b'.' | b'-'));
                if !above.is_empty() && !begins_string(start - above.len()) {
                    return;
                }
                let above = above.trim_start_matches(['.', '/']);
                let places = std::iter::successors(Some(self.directory), |directory| {
                    (!directory.is_empty()).then(|| directory.rsplit_once('/').map_or("", |(above, _)| above))
                });
                found.extend(places.map(|place| format!("{place}/{above}{word}").trim_start_matches('/').to_owned()));
            }
            _ => {}
        }
    }

    /// Whether the name at `start` is what an import statement begins with.
    fn is_import(&self, start: usize) -> bool {
        let statement = self.bytes[self.line_start(start)..start].trim_ascii();
        [&b"from"[..], b"import"].iter().any(|keyword| {
            let before = statement.strip_suffix(*keyword).map(<[u8]>::trim_ascii_end);
            before.is_some_and(|before| before.is_empty() || before.ends_with(b":") || before.ends_with(b";"))
        })
    }

    /// Whether the quoted word is a step on the way to a file: `join(here, "tests", "data")`, `here / "tests" / "data"`.
    fn is_step(&self, start: usize, end: usize) -> bool {
        let before = &self.bytes[self.line_start(start)..start];
        let after = self.bytes.get(end + 1..).unwrap_or_default().trim_ascii_start();
        let joins = ["join(", "joinpath(", "Path("].iter().any(|call| memmem::find(before, call.as_bytes()).is_some());
        after.starts_with(b"/") || (joins && after.starts_with(b","))
    }

    /// Where a name in an import statement comes from, with a dot behind it: `a.b.` in `from a.b import (x,\n name`, nothing in `import name`.
    fn imported_from(&self, start: usize) -> Option<String> {
        if self.before(start) == b'.' {
            return None;
        }
        let line = self.line_start(start);
        // The statement begins on this line, or on the one with the bracket that is still open.
        let begin = match memchr::memrchr2(b'(', b')', &self.bytes[..start]) {
            Some(bracket) if self.at(bracket) == b'(' && bracket < line => self.line_start(bracket),
            _ => line,
        };
        let statement = std::str::from_utf8(&self.bytes[begin..start]).ok()?.trim_start();
        let statement = statement.rsplit_once([';', ':']).map_or(statement, |(_, last)| last.trim_start());
        if let Some(rest) = statement.strip_prefix("from ") {
            return match rest.split_once(" import") {
                Some((origin, names)) if names.starts_with([' ', '(', '\t']) => {
                    let origin = origin.trim();
                    Some(if origin.ends_with('.') { origin.to_owned() } else { format!("{origin}.") })
                }
                // `from tests import x`
                _ => rest.trim().is_empty().then(String::new),
            };
        }
        statement.strip_prefix("import ").map(|_| String::new())
    }

    /// `pandas.tests` → `pandas/tests`; from the package that the source is in where dots lead.
    fn resolve(&self, dotted: &str) -> Option<String> {
        let name = dotted.trim_start_matches('.');
        let relative = name.replace('.', "/");
        match dotted.len() - name.len() {
            0 => Some(relative),
            dots => {
                let above = (1..dots).try_fold(self.directory, |directory, _| directory.rsplit_once('/').map(|(above, _)| above))?;
                Some(if above.is_empty() { relative } else { format!("{above}/{relative}") })
            }
        }
    }

    /// Whether the module named at `start` is imported so that its absence would be an error: not in a `try`, nor where somebody else has to have
    /// imported it before (`if "pkg_resources" in sys.modules`).
    fn demands(&self, start: usize) -> bool {
        let line = self.line_start(start);
        let indentation = |line: &[u8]| line.len() - line.trim_ascii_start().len();
        let statement = &self.bytes[line..start];
        let mut depth = indentation(statement);
        let statement = statement.trim_ascii_start();
        let imports = statement == b"import "
            || statement == b"from "
            || statement.ends_with(b"__import__('")
            || statement.ends_with(b"__import__(\"");
        let in_prose = [&b"\"\"\""[..], b"'''"].iter().any(|quotes| memmem::find_iter(&self.bytes[..line], quotes).count() % 2 == 1);
        if !imports || in_prose || in_name(self.at(start + PKG_RESOURCES.len())) {
            return false;
        }
        for above in self.bytes[..line].rsplit(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            if depth == 0 {
                break;
            }
            if indentation(above) < depth {
                depth = indentation(above);
                let above = above.trim_ascii_start();
                let loaded = |name: &[u8]| memmem::find(above, name).is_some();
                let asks = above.starts_with(b"if ") && loaded(b" in sys.modules") && !loaded(b" not in sys.modules");
                if asks || above.starts_with(b"try:") || above.starts_with(b"except") || above.starts_with(b"if TYPE_CHECKING") {
                    return false;
                }
            }
        }
        true
    }
}
