//! What of the dependencies is of no use where a function runs: the table, and the reason of each rule as people are told it.

use std::path::Path;

use crate::settings::Slim;

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// What it is about.
    pub(super) what: What,
    /// From which value of `slim` on it holds.
    pub(super) from: Slim,
    /// What speaks for a file all the same.
    pub(super) unless: Unless,
    /// As people are told.
    pub(super) reason: &'static str,
}

/// What a rule is about.
#[derive(Debug)]
pub(super) enum What {
    /// Directories of these names, wherever they are, with all that is in them.
    Directories(&'static [&'static str]),
    /// As above, where modules are in it that a test runner would collect.
    Tests(&'static [&'static str]),
    /// Files of these names.
    Names(&'static [&'static str]),
    /// Files that end like this, behind a dot.
    Extensions(&'static [&'static str]),
    /// As above, of distributions that have compiled modules.
    SourcesOfNative(&'static [&'static str]),
    /// Directories beside the packages whose names end like this.
    TopLevel(&'static str),
    /// Directories beside the packages, by path.
    Below(&'static [&'static str]),
    /// Files of these names below a directory.
    NamesBelow(&'static str, &'static [&'static str]),
}

/// What speaks for a file that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unless {
    /// Nothing.
    Never,
    /// Something in the bundle imports the directory or names its path.
    Referred,
    /// A source of its distribution has its name.
    Named,
    /// A source of its distribution reads files of this kind: the mark that [`super::scan`] leaves.
    Marked(&'static str),
}

/// What [`super::scan`] leaves where stubs are read at run time (`lazy_loader.attach_stub`; language servers).
pub(super) const READS_STUBS: &str = "*.pyi";

/// The first rule that is about a file decides.
pub(super) const RULES: [Rule; 12] = [
    Rule {
        what: What::Tests(&["test", "tests"]),
        from: Slim::Safe,
        unless: Unless::Referred,
        reason: "tests that nothing in the bundle imports",
    },
    Rule {
        what: What::Names(&["conftest.py", "tests.py"]),
        from: Slim::Safe,
        unless: Unless::Referred,
        reason: "tests that nothing in the bundle imports",
    },
    Rule {
        what: What::Directories(&["doc", "docs"]),
        from: Slim::Safe,
        unless: Unless::Referred,
        reason: "documentation that nothing in the bundle refers to",
    },
    Rule {
        what: What::Directories(&["example", "examples"]),
        from: Slim::Safe,
        unless: Unless::Referred,
        reason: "examples that nothing in the bundle refers to",
    },
    Rule { what: What::Below(&["share/doc", "share/info", "share/man"]), from: Slim::Safe, unless: Unless::Never, reason: "manuals" },
    Rule { what: What::TopLevel("-stubs"), from: Slim::Safe, unless: Unless::Never, reason: TYPES },
    Rule { what: What::Extensions(&["pyi"]), from: Slim::Safe, unless: Unless::Marked(READS_STUBS), reason: TYPES },
    Rule { what: What::Names(&["py.typed"]), from: Slim::Safe, unless: Unless::Never, reason: TYPES },
    Rule {
        what: What::SourcesOfNative(&["c", "cc", "cpp", "cxx", "h", "hh", "hpp", "hxx", "pxd", "pxi", "pyx"]),
        from: Slim::Safe,
        unless: Unless::Named,
        reason: "sources of native code that is compiled already",
    },
    Rule { what: What::Extensions(&["a"]), from: Slim::Safe, unless: Unless::Named, reason: "for linking other native code" },
    Rule { what: What::Extensions(&["exe"]), from: Slim::Safe, unless: Unless::Never, reason: "a program for Windows" },
    Rule {
        what: What::NamesBelow("botocore/data/", &["examples-1.json", "examples-1.json.gz"]),
        from: Slim::Max,
        unless: Unless::Never,
        reason: "examples for boto3's documentation",
    },
];

const TYPES: &str = "for type checkers";

/// Distributions that compile, at run time, with sources and libraries that they bring along. By normalized name.
const COMPILERS: [&str; 10] = ["cffi", "cppyy", "cython", "numba", "pybind11", "pythran", "taichi", "torch", "triton", "ziglang"];

/// What a rule needs to know of a file's surroundings.
pub(super) struct Surroundings<'a> {
    /// The normalized name of its distribution; empty if it has none.
    pub(super) owner: &'a str,
    /// Whether its distribution has compiled modules.
    pub(super) is_native: bool,
    /// Whether a directory holds modules that a test runner would collect.
    pub(super) holds_tests: &'a (dyn Fn(&str) -> bool + Sync),
}

impl Rule {
    /// What the rule would leave out of which the file at `path` is, or is in: a file's path or a directory's with a slash behind it.
    pub(super) fn subject<'p>(&self, path: &'p str, around: &Surroundings<'_>) -> Option<&'p str> {
        let (directory, name) = path.rsplit_once('/').map_or(("", path), |(directory, name)| (directory, name));
        let extension = || Path::new(name).extension().and_then(|extension| extension.to_str());
        let compiles = || COMPILERS.contains(&around.owner);
        let whole = match &self.what {
            What::Directories(names) => return directories(path).find(|directory| names.contains(&last(directory))),
            What::Tests(names) => {
                return directories(path).find(|directory| names.contains(&last(directory)) && (around.holds_tests)(directory));
            }
            What::TopLevel(end) => return directories(path).next().filter(|directory| last(directory).ends_with(end)),
            What::Below(paths) => {
                return directories(path).find(|directory| paths.contains(&directory.trim_end_matches('/')));
            }
            What::Names(names) => names.contains(&name),
            What::NamesBelow(above, names) => names.contains(&name) && format!("{directory}/").starts_with(above),
            What::Extensions(extensions) => extension().is_some_and(|extension| extensions.contains(&extension)) && !compiles(),
            What::SourcesOfNative(extensions) => {
                around.is_native && extension().is_some_and(|extension| extensions.contains(&extension)) && !compiles()
            }
        };
        whole.then_some(path)
    }
}

/// `a/`, `a/b/` of `a/b/c.py`.
fn directories(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(slash, _)| &path[..=slash])
}

/// `b` of `a/b/`.
fn last(directory: &str) -> &str {
    directory.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}
