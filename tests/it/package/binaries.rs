//! What does not run on Lambda is told: by the tags of real wheels, and by the headers of what is in them.

use std::fs;

use expect_test::expect;
use zappa::model::{Architecture, Runtime, Target};

use super::fixture::Fixture;
use crate::support::wheels::{unpack, wheel};

const X86_64: &str = "markupsafe-3.0.3-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl";
const ARM64: &str = "markupsafe-3.0.3-cp311-cp311-manylinux2014_aarch64.manylinux_2_17_aarch64.manylinux_2_28_aarch64.whl";
const MUSL: &str = "markupsafe-3.0.3-cp311-cp311-musllinux_1_2_x86_64.whl";
/// An extension module for all versions of Python since 3.9, and for the glibc of Amazon Linux 2023.
const NEW_GLIBC: &str = "bcrypt-5.0.0-cp39-abi3-manylinux_2_34_x86_64.whl";

fn holding(wheels: &[&str]) -> Fixture {
    let fixture = Fixture::new().packaging(|packaging| packaging.use_precompiled_packages = false);
    wheels.iter().for_each(|name| unpack(&wheel(name), &fixture.site_packages()));
    fixture
}

/// What is wrong with the environment for functions of this kind.
pub(super) fn judged(fixture: &mut Fixture, minor: u8, architecture: Architecture) -> String {
    fixture.settings.target = Target::Aws;
    fixture.settings.runtime = Some(Runtime { minor });
    fixture.settings.architecture = architecture;
    fixture.said.0.lock().unwrap().clear();
    fixture.manifest();
    fixture.said.0.lock().unwrap().iter().map(|said| format!("{said}\n")).collect()
}

/// Everything that can be wrong, in one text.
fn judged_for_all(fixture: &mut Fixture) -> String {
    let kinds = [(11, Architecture::X86_64), (12, Architecture::X86_64), (11, Architecture::Arm64)];
    kinds.into_iter().map(|(minor, architecture)| judged(fixture, minor, architecture)).collect()
}

/// Rewrites the tags in the `WHEEL` of what is installed; without any, the file goes.
fn tagged(fixture: &Fixture, tags: &[&str]) {
    for entry in fs::read_dir(fixture.site_packages()).unwrap() {
        let file = entry.unwrap().path().join("WHEEL");
        if tags.is_empty() {
            let _ = fs::remove_file(&file);
        } else if file.exists() {
            let lines = tags.iter().map(|tag| format!("Tag: {tag}\n"));
            fs::write(&file, format!("Wheel-Version: 1.0\nRoot-Is-Purelib: false\n{}", lines.collect::<String>())).unwrap();
        }
    }
}

#[test]
fn tags_of_another_python_or_processor_end_the_matter() {
    expect![[r#"
        MarkupSafe 3.0.3 does not run on Lambda (Python 3.12 on x86_64): it is built for `cp311-cp311-manylinux_2_17_x86_64`
        MarkupSafe 3.0.3 does not run on Lambda (Python 3.11 on arm64): it is built for `cp311-cp311-manylinux_2_17_x86_64`
    "#]]
    .assert_eq(&judged_for_all(&mut holding(&[X86_64])));
    expect![[r#"
        MarkupSafe 3.0.3 does not run on Lambda (Python 3.11 on x86_64): it is built for `cp311-cp311-manylinux_2_17_aarch64`
        MarkupSafe 3.0.3 does not run on Lambda (Python 3.12 on x86_64): it is built for `cp311-cp311-manylinux_2_17_aarch64`
    "#]]
    .assert_eq(&judged_for_all(&mut holding(&[ARM64])));
    expect![[r#"
        MarkupSafe 3.0.3 does not run on Lambda (Python 3.11 on x86_64): it is built for `cp311-cp311-musllinux_1_2_x86_64`
        MarkupSafe 3.0.3 does not run on Lambda (Python 3.12 on x86_64): it is built for `cp311-cp311-musllinux_1_2_x86_64`
        MarkupSafe 3.0.3 does not run on Lambda (Python 3.11 on arm64): it is built for `cp311-cp311-musllinux_1_2_x86_64`
    "#]]
    .assert_eq(&judged_for_all(&mut holding(&[MUSL])));
}

#[test]
fn glibc_has_to_be_new_enough() {
    expect![[r#"
        bcrypt 5.0.0 does not run on Lambda (Python 3.11 on x86_64): `bcrypt/_bcrypt` needs glibc 2.34, and there is glibc 2.26
        bcrypt 5.0.0 does not run on Lambda (Python 3.11 on arm64): it is built for `cp39-abi3-manylinux_2_34_x86_64`
    "#]]
    .assert_eq(&judged_for_all(&mut holding(&[NEW_GLIBC])));
}

#[test]
fn without_tags_the_headers_tell() {
    let mut fixture = holding(&[X86_64]);
    tagged(&fixture, &[]);
    expect![[r#"
        MarkupSafe 3.0.3 does not run on Lambda (Python 3.12 on x86_64): `markupsafe/_speedups` is a module for `cpython-311-x86_64-linux-gnu`
        MarkupSafe 3.0.3 does not run on Lambda (Python 3.11 on arm64): `markupsafe/_speedups` is code for x86_64
    "#]].assert_eq(&judged_for_all(&mut fixture));
    let mut fixture = holding(&[MUSL]);
    tagged(&fixture, &[]);
    expect![[r#"
        MarkupSafe 3.0.3 does not run on Lambda (Python 3.11 on x86_64): `markupsafe/_speedups` is a module for `cpython-311-x86_64-linux-musl`
        MarkupSafe 3.0.3 does not run on Lambda (Python 3.12 on x86_64): `markupsafe/_speedups` is a module for `cpython-311-x86_64-linux-musl`
        MarkupSafe 3.0.3 does not run on Lambda (Python 3.11 on arm64): `markupsafe/_speedups` is code for x86_64
    "#]].assert_eq(&judged_for_all(&mut fixture));
}

#[test]
fn what_was_built_here_runs_there_if_its_headers_say_so() {
    let mut fixture = holding(&[X86_64]);
    tagged(&fixture, &["cp311-cp311-linux_x86_64"]);
    assert_eq!(judged(&mut fixture, 11, Architecture::X86_64), "");
    // A newer name than that of the target's glibc, and nothing in it that needs one.
    tagged(&fixture, &["cp311-cp311-manylinux_2_28_x86_64"]);
    assert_eq!(judged(&mut fixture, 11, Architecture::X86_64), "");
    for tag in
        ["cp313-cp313t-manylinux_2_17_x86_64", "cp310-cp310-linux_x86_64", "cp312-abi3-linux_x86_64", "pp311-pypy311_pp73-linux_x86_64"]
    {
        tagged(&fixture, &[tag]);
        let said = judged(&mut fixture, 11, Architecture::X86_64);
        assert!(said.contains(&format!("it is built for `{tag}`")), "{said}");
    }
    for tag in ["cp310-abi3-manylinux1_x86_64", "cp311-none-linux_x86_64", "py3-none-manylinux2014_x86_64", "py2.py3-none-any"] {
        tagged(&fixture, &[tag]);
        assert_eq!(judged(&mut fixture, 11, Architecture::X86_64), "", "{tag}");
    }
}

#[test]
fn the_right_tag_on_the_wrong_code_helps_nobody() {
    let mut fixture = holding(&[X86_64]);
    tagged(&fixture, &["cp311-cp311-manylinux_2_17_aarch64", "cp312-cp312-manylinux_2_17_x86_64"]);
    expect![[r#"
        MarkupSafe 3.0.3 does not run on Lambda (Python 3.11 on x86_64): it is built for `cp311-cp311-manylinux_2_17_aarch64`
        MarkupSafe 3.0.3 does not run on Lambda (Python 3.12 on x86_64): `markupsafe/_speedups` is a module for `cpython-311-x86_64-linux-gnu`
        MarkupSafe 3.0.3 does not run on Lambda (Python 3.11 on arm64): `markupsafe/_speedups` is code for x86_64
    "#]].assert_eq(&judged_for_all(&mut fixture));
}

#[test]
fn code_for_other_systems_is_known_and_does_no_harm_beside_the_right_one() {
    let mach = b"\xcf\xfa\xed\xfe\x0c\0\0\x01";
    let metadata = "Metadata-Version: 2.1\nName: tool\nVersion: 1\n";
    let make =
        || Fixture::new().packaging(|packaging| packaging.use_precompiled_packages = false).site("tool-1.dist-info/METADATA", metadata);
    let files = |fixture: Fixture, files: &[(&str, &[u8])]| {
        let record: String = files.iter().map(|(path, _)| format!("{path},,\n")).collect();
        files.iter().fold(fixture.site("tool-1.dist-info/RECORD", record), |fixture, (path, content)| fixture.site(path, content))
    };
    let scratch = tempfile::tempdir().unwrap();
    unpack(&wheel(NEW_GLIBC), scratch.path());
    let elf = fs::read(scratch.path().join("bcrypt/_bcrypt.abi3.so")).unwrap();
    let judged = |fixture: Fixture| judged(&mut { fixture }, 12, Architecture::X86_64);
    expect![[r#"
        tool 1 does not run on Lambda (Python 3.12 on x86_64): `tool/_x` is code for macOS
    "#]]
    .assert_eq(&judged(files(make(), &[("tool/_x.cpython-312-darwin.so", mach)])));
    expect![[r#"
        tool 1 does not run on Lambda (Python 3.12 on x86_64): `tool/_x` is code for Windows
    "#]]
    .assert_eq(&judged(files(make(), &[("tool/_x.cp312-win_amd64.pyd", b"MZ\x90\0")])));
    expect![[r#"
        tool 1 does not run on Lambda (Python 3.12 on x86_64): `tool/lib.so` is code for a system with another format of code
    "#]]
    .assert_eq(&judged(files(make(), &[("tool/lib.so", &elf[..100])])));
    // A module for several Pythons and systems, with libraries for others beside it.
    let several: [(&str, &[u8]); 4] =
        [("tool/_x.cpython-312-darwin.so", mach), ("tool/_x.abi3.so", &elf), ("tool/attach.dll", b"MZ\x90\0"), ("tool/attach.dylib", mach)];
    assert_eq!(judged(files(make(), &several)), "");
    // A wheel for all systems that holds a library for one.
    let any = make().site("tool-1.dist-info/WHEEL", "Root-Is-Purelib: true\nTag: py3-none-any\n");
    assert_eq!(judged(files(any, &[("tool/attach.dll", b"MZ\x90\0")])), "");
    // No code at all.
    assert_eq!(judged(files(make(), &[("tool/lib.so", b"INPUT(libtool.so.1)"), ("tool/empty.so", b"")])), "");
}

#[test]
fn what_stays_out_of_the_bundle_is_not_judged() {
    let mut fixture = holding(&[ARM64]).packaging(|packaging| packaging.exclude = vec!["*.so".to_owned()]);
    assert_eq!(judged(&mut fixture, 11, Architecture::X86_64), "");
}

/// A shared object that is linked to other libraries than it was; their names are not longer.
fn relinked(wheel_name: &str, member: &str, libraries: &[(&str, &str)]) -> Vec<u8> {
    let scratch = tempfile::tempdir().unwrap();
    unpack(&wheel(wheel_name), scratch.path());
    let mut elf = fs::read(scratch.path().join(member)).unwrap();
    for (from, to) in libraries {
        let (from, mut to) = (format!("\0{from}\0").into_bytes(), format!("\0{to}\0").into_bytes());
        to.resize(from.len(), 0);
        let at = elf.windows(from.len()).position(|window| window == from).unwrap();
        elf[at..at + from.len()].copy_from_slice(&to);
    }
    elf
}

#[test]
fn libraries_that_neither_the_bundle_nor_lambda_has_are_told() {
    let elf = |library: &str| relinked(NEW_GLIBC, "bcrypt/_bcrypt.abi3.so", &[("libgcc_s.so.1", library)]);
    let mut fixture = Fixture::new()
        .distribution("psycopg2", "2.9.9", &[], true)
        .site("psycopg2-2.9.9.dist-info/RECORD", "psycopg2/_psycopg.abi3.so,,\npsycopg2/_range.abi3.so,,\n")
        .site("psycopg2/_psycopg.abi3.so", elf("libpq.so.5"))
        .site("psycopg2/_range.abi3.so", elf("libpq.so.5"))
        .file("shop/_fast.abi3.so", elf("libour.so"))
        .file("shop/_crypt.abi3.so", elf("libssl.so.10"))
        .file("shop/_plain.abi3.so", elf("libz.so.1"));
    let told = judged(&mut fixture, 12, Architecture::X86_64);
    expect![[r#"
        `shop/_fast.abi3.so` needs `libour.so`, which neither the bundle nor Lambda (Python 3.12 on x86_64) has: install a wheel that brings it along, put it into `lib/` of the project, or `exclude` what needs it
        `shop/_crypt.abi3.so` needs `libssl.so.10`, which neither the bundle nor Lambda (Python 3.12 on x86_64) has: install a wheel that brings it along, put it into `lib/` of the project, or `exclude` what needs it
        `psycopg2/_psycopg.abi3.so` and 1 more of psycopg2 2.9.9 need `libpq.so.5`, which neither the bundle nor Lambda (Python 3.12 on x86_64) has: install `psycopg2-binary` or `psycopg[binary]`, which bring it along
    "#]]
    .assert_eq(&told);
    assert_eq!(judged(&mut fixture, 12, Architecture::X86_64), told, "what is known is told again");
    // Beside it, in a directory of its own, in the project.
    let mut fixture = fixture
        .site("psycopg2.libs/libpq.so.5", elf("libz.so.1"))
        .file("lib/libour.so", elf("libz.so.1"))
        .file("lib/libssl.so.10", elf("libz.so.1"));
    assert_eq!(judged(&mut fixture, 12, Architecture::X86_64), "");
}

#[test]
fn native_code_of_the_project_is_judged() {
    let elf = relinked(NEW_GLIBC, "bcrypt/_bcrypt.abi3.so", &[]);
    let mut fixture = Fixture::new().file("shop/_fast.abi3.so", &elf);
    expect![[r#"
        native code of the project does not run on Lambda (Python 3.11 on x86_64): `shop/_fast` needs glibc 2.34, and there is glibc 2.26
        native code of the project does not run on Lambda (Python 3.11 on arm64): `shop/_fast` is code for x86_64
    "#]]
    .assert_eq(&judged_for_all(&mut fixture));
    let mut fixture = Fixture::new().file("shop/_fast.cpython-312-darwin.so", b"\xcf\xfa\xed\xfe\x0c\0\0\x01");
    let said = judged(&mut fixture, 12, Architecture::X86_64);
    assert_eq!(said, "native code of the project does not run on Lambda (Python 3.12 on x86_64): `shop/_fast` is code for macOS\n");
    // One of several is the right one.
    let mut fixture = fixture.file("shop/_fast.abi3.so", &elf);
    assert_eq!(judged(&mut fixture, 12, Architecture::X86_64), "");
}
