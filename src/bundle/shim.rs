//! The Python package `zappa` of every bundle, as this binary carries it. A test compares the list with the directory `shim/zappa`.

use super::{Entry, Part, Source};

/// Directory of the shim in a bundle. The handler's dotted name and the place of the configuration follow from it.
pub(super) const PACKAGE: &str = "zappa";

macro_rules! embed {
    ($($name:literal),+ $(,)?) => {
        /// The files of the shim: name below `zappa/`, content.
        pub const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../shim/zappa/", $name)))),+];
    };
}

embed![
    "__init__.py",
    "asynchronous.py",
    "authorizer.py",
    "balancer.py",
    "check.py",
    "dependencies.py",
    "environ.py",
    "events.py",
    "failure.py",
    "handler.py",
    "management.py",
    "oversize.py",
    "rest.py",
    "startup.py",
    "version_two.py",
    "wsgi.py",
];

/// The members of a bundle that are the shim.
pub(super) fn entries() -> impl Iterator<Item = Entry> {
    FILES.iter().map(|(name, content)| {
        // A checkout on Windows may have turned the line ends; the bundle is the same from everywhere.
        let bytes = content.replace("\r\n", "\n").into_bytes();
        Entry {
            path: format!("{PACKAGE}/{name}"),
            part: Part::Shim,
            size: bytes.len() as u64,
            executable: false,
            reason: "shim".to_owned(),
            source: Source::Bytes(bytes),
            digest: None,
        }
    })
}
