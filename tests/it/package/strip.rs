//! What `slim = "max"` takes out of shared objects, and what it leaves alone.

use std::fs;
use std::path::Path;
use std::process::Command;

use zappa::bundle::Manifest;
use zappa::model::Architecture;
use zappa::settings::Slim;

use super::fixture::Fixture;
use crate::support::python;
use crate::support::wheels::{unpack, wheel};

const X86_64: &str = "markupsafe-3.0.3-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl";

fn max(architecture: Architecture) -> Fixture {
    let mut fixture = Fixture::new().packaging(|packaging| packaging.slim = Slim::Max);
    fixture.settings.architecture = architecture;
    fixture
}

/// Reason and size of the only shared object.
fn object(manifest: &Manifest) -> (&str, u64) {
    let entry = manifest.entries.iter().find(|entry| entry.path.ends_with(".so")).unwrap();
    (&entry.reason, entry.size)
}

/// What the loader reads is in both files at the same places and the same; sections have their names.
const COMPARE: &str = r#"
import struct, sys
old, new = (open(path, "rb").read() for path in sys.argv[1:])
def parts(data):
    phoff, shoff = struct.unpack_from("<QQ", data, 32)
    phsize, phnum, shsize, shnum, strings = struct.unpack_from("<HHHHH", data, 54)
    segments = [struct.unpack_from("<IIQQQQQQ", data, phoff + i * phsize) for i in range(phnum)]
    rows = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * shsize) for i in range(shnum)]
    at = rows[strings][4]
    name = lambda row: data[at + row[0]:data.index(b"\0", at + row[0])].decode()
    return segments, [(i, name(row), row[1:]) for i, row in enumerate(rows)]
segments, sections = parts(old)
assert parts(new)[0] == segments
assert any(name == ".symtab" for _, name, _ in sections)
assert [s for s in parts(new)[1] if s[2][1] & 2] == [s for s in sections if s[2][1] & 2]
assert {name for _, name, row in parts(new)[1] if not row[1] & 2} == {"", ".shstrtab"}
for _, _, offset, _, _, size, _, _ in segments:
    start = max(offset, 64)
    assert old[start:offset + size] == new[start:offset + size]
"#;

fn same_to_the_loader(old: &Path, new: &Path) {
    assert!(Command::new(python::interpreter()).args(["-c", COMPARE]).args([old, new]).status().unwrap().success());
}

#[test]
fn symbols_go_and_what_is_loaded_stays() {
    let fixture = max(Architecture::X86_64);
    unpack(&wheel(X86_64), &fixture.site_packages());
    let manifest = fixture.plan().unwrap();
    let path = manifest.entries.iter().find(|entry| entry.path.ends_with(".so")).unwrap().path.clone();
    let original = fixture.site_packages().join(&path);
    let (reason, size) = object(&manifest);
    assert_eq!(reason, "stripped, of MarkupSafe 3.0.3");
    assert!(size + 20_000 < fs::metadata(&original).unwrap().len());

    let first = fixture.write(&manifest, "first").unwrap();
    let archive = &first.app().unwrap().path;
    let unpacked = fixture.files.outside().join("unpacked");
    unpack(archive, &unpacked);
    assert_eq!(fs::metadata(unpacked.join(&path)).unwrap().len(), size);
    same_to_the_loader(&original, &unpacked.join(&path));
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        let script = "from markupsafe import _speedups, escape; assert str(escape('<')) == '&lt;'; print(_speedups.__file__)";
        let output = Command::new(python::interpreter()).args(["-S", "-c", script]).env("PYTHONPATH", &unpacked).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("unpacked"), "{output:?}");
    }

    // With and without what was remembered it is the same.
    let again = fixture.plan().unwrap();
    assert_eq!(object(&again), object(&manifest));
    assert_eq!(fixture.write(&again, "again").unwrap().app().unwrap().code_sha256, first.app().unwrap().code_sha256);
    fs::remove_dir_all(fixture.cache()).unwrap();
    let anew = fixture.plan().unwrap();
    assert_eq!(fixture.write(&anew, "anew").unwrap().app().unwrap().code_sha256, first.app().unwrap().code_sha256);

    // What is not what it was planned with is refused.
    let planned = fixture.plan().unwrap();
    fs::write(&original, "other").unwrap();
    fixture.write(&planned, "changed").unwrap_err();
}

#[test]
fn what_is_not_understood_is_not_stripped() {
    let fixture = max(Architecture::X86_64);
    unpack(&wheel(X86_64), &fixture.site_packages());
    let path = fixture.plan().unwrap().entries.iter().find(|entry| entry.path.ends_with(".so")).unwrap().path.clone();
    let original = fixture.site_packages().join(&path);
    let bytes = fs::read(&original).unwrap();
    let replace = |from: &[u8], to: &[u8]| {
        let mut bytes = bytes.clone();
        let at = bytes.windows(from.len()).rposition(|window| window == from).unwrap();
        bytes[at..at + to.len()].copy_from_slice(to);
        bytes
    };
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        bytes
    };
    let cases = [
        ("data behind its end", [&bytes[..], b"PK\x05\x06 archive"].concat()),
        ("a section of its own", replace(b".debug_info\0", b".model_info\0")),
        ("another processor", with(18, 8)),
        ("32 bits", with(4, 1)),
        ("big endian", with(5, 2)),
        ("an object file", with(16, 1)),
        ("cut short", bytes[..bytes.len() - 100].to_vec()),
    ];
    let mut fixture = fixture.packaging(|packaging| packaging.use_precompiled_packages = false);
    for (what, content) in cases {
        fs::write(&original, &content).unwrap();
        let manifest = fixture.plan().unwrap();
        assert_eq!(object(&manifest), ("MarkupSafe 3.0.3", content.len() as u64), "{what}");
    }
    fs::write(&original, &bytes).unwrap();
    fixture.settings.packaging.slim = Slim::Safe;
    assert_eq!(object(&fixture.plan().unwrap()), ("MarkupSafe 3.0.3", bytes.len() as u64));
}
