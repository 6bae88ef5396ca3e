//! Shared libraries that native code is linked to: whether they are in the bundle or on Lambda.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::elf::Needs;
use super::target::Target;

/// What Amazon Linux has on Lambda, without the version behind `.so`: glibc, GCC's runtime, and what Python itself and the tools of the image are linked to. In
/// doubt a library is there: nothing is said about it then.
const PRESENT: [&str; 46] = [
    "ld-linux-aarch64",
    "ld-linux-x86-64",
    "libBrokenLocale",
    "libSegFault",
    "libanl",
    "libasm",
    "libbz2",
    "libc",
    "libcom_err",
    "libcrypt",
    "libcrypto",
    "libcurl",
    "libdl",
    "libexpat",
    "libffi",
    "libform",
    "libgcc_s",
    "libgmp",
    "libgssapi_krb5",
    "libidn2",
    "libk5crypto",
    "libkeyutils",
    "libkrb5",
    "libkrb5support",
    "liblzma",
    "libm",
    "libmvec",
    "libncurses",
    "libncursesw",
    "libnghttp2",
    "libnsl",
    "libpcre",
    "libpsl",
    "libpthread",
    "libreadline",
    "libresolv",
    "librt",
    "libsqlite3",
    "libssl",
    "libstdc++",
    "libtinfo",
    "libunistring",
    "libutil",
    "libuuid",
    "libxml2",
    "libz",
];
/// Of these the two systems have different versions: what is linked to another one does not start.
const VERSIONS: [(&str, [&[&str]; 2]); 4] = [
    ("libcrypt.", [&["1"], &["2"]]),
    ("libcrypto.", [&["10", "1.1"], &["3"]]),
    ("libffi.", [&["6"], &["8"]]),
    ("libssl.", [&["10", "1.1"], &["3"]]),
];
/// What brings a library along, or does without.
const INSTEAD: [(&str, &str); 5] = [
    ("libpq.", "install `psycopg2-binary` or `psycopg[binary]`, which bring it along"),
    ("libmysqlclient.", "install a wheel of `mysqlclient` that brings it along, or `PyMySQL`, which does without"),
    ("libmariadb.", "install a wheel of `mysqlclient` that brings it along, or `PyMySQL`, which does without"),
    ("libGL.", "install `opencv-python-headless` if it is OpenCV that needs it"),
    ("libcurl-gnutls.", "install a wheel of `pycurl`, which brings its own along"),
];

/// Native code of the bundle that is for the target.
pub(super) struct Native<'a> {
    /// In the bundle.
    pub(super) path: &'a str,
    /// The distribution; `None` for the project's own.
    pub(super) owner: Option<&'a str>,
    pub(super) needs: Needs,
}

/// What to say of libraries that neither `files`, the paths of the bundle, nor the target has; once for each and whoever needs it.
pub(super) fn missing(natives: &[Native<'_>], files: &[&str], target: Target) -> Vec<String> {
    // Where the loader looks is for headers, environments and what was loaded before to say: a library that comes along is taken to be found.
    let names: HashSet<&str> = files.iter().copied().map(base_name).collect();
    let mut missing: BTreeMap<(Option<&str>, &str), BTreeSet<&str>> = BTreeMap::new();
    for native in natives {
        for library in native.needs.libraries.iter().map(|library| base_name(library)) {
            if !names.contains(library) && !is_there(library, target) {
                missing.entry((native.owner, library)).or_default().insert(native.path);
            }
        }
    }
    let say = |((owner, library), paths): ((Option<&str>, &str), BTreeSet<&str>)| {
        let path = paths.first().copied().unwrap_or_default();
        let more = if paths.len() > 1 { format!(" and {} more", paths.len() - 1) } else { String::new() };
        let of = owner.map(|owner| format!(" of {owner}")).unwrap_or_default();
        let needs = if paths.len() > 1 { "need" } else { "needs" };
        let instead = INSTEAD.iter().find(|(prefix, _)| library.starts_with(prefix)).map(|(_, instead)| *instead);
        let instead =
            instead.unwrap_or("install a wheel that brings it along, put it into `lib/` of the project, or `exclude` what needs it");
        format!("`{path}`{more}{of} {needs} `{library}`, which neither the bundle nor Lambda ({target}) has: {instead}")
    };
    missing.into_iter().map(say).collect()
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_there(library: &str, target: Target) -> bool {
    let Some((name, version)) = library.split_once(".so") else { return false };
    if name.starts_with("libpython") {
        return name == format!("libpython3.{}", target.minor) || name == "libpython3";
    }
    let versions = VERSIONS.iter().find(|(prefix, _)| library.starts_with(prefix));
    let fits = versions.is_none_or(|(_, [on_2, on_2023])| {
        let there = if target.is_on_2023() { on_2023 } else { on_2 };
        there.contains(&version.trim_start_matches('.'))
    });
    fits && (PRESENT.contains(&name) || name.starts_with("libnss_"))
}
