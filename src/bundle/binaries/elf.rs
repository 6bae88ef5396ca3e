//! What a file of native code was made for, read off its headers: nothing else of it is read.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use object::elf::{self, FileHeader64};
use object::read::elf::FileHeader as _;
use object::{LittleEndian, ReadCache};
use serde::{Deserialize, Serialize};

/// What `VER_FLG_WEAK` of a needed version says: that the loader does without.
const WEAK: u16 = 2;

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Binary {
    /// Code for Linux on a 64-bit processor.
    Elf(Needs),
    /// Code that Lambda cannot run whatever the function's architecture, and whose it is: "macOS".
    Foreign(Cow<'static, str>),
    /// No native code: a script, a text for linkers.
    Other,
}

/// What the loader has to find.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Needs {
    /// `e_machine`, as in ELF.
    pub(super) machine: u16,
    /// `N` of the newest `GLIBC_2.N`.
    pub(super) glibc: u32,
    /// `N` of the newest `GLIBCXX_3.4.N` of the system's libstdc++.
    pub(super) glibcxx: u32,
    /// `N` of the newest `CXXABI_1.3.N` of the system's libstdc++.
    pub(super) cxxabi: u32,
    /// It is linked to musl instead of glibc.
    pub(super) musl: bool,
    /// The libraries that it is linked to (`DT_NEEDED`).
    pub(super) libraries: Vec<String>,
}

impl Needs {
    /// The processor's name, for people.
    pub(super) fn machine(&self) -> &'static str {
        match elf::Machine(self.machine) {
            elf::EM_X86_64 => "x86_64",
            elf::EM_AARCH64 => "aarch64",
            elf::EM_PPC64 => "ppc64le",
            elf::EM_S390 => "s390x",
            elf::EM_RISCV => "riscv64",
            _ => "another processor",
        }
    }
}

/// Looks at a file.
pub(super) fn read(path: &Path) -> io::Result<Binary> {
    let mut file = File::open(path)?;
    let mut start = Vec::with_capacity(8);
    file.by_ref().take(8).read_to_end(&mut start)?;
    let foreign = |system| Binary::Foreign(Cow::Borrowed(system));
    Ok(match start.as_slice() {
        [0x7f, b'E', b'L', b'F', 2, 1, ..] => {
            file.seek(SeekFrom::Start(0))?;
            needs(file).map_or_else(|| foreign("a system with another format of code"), Binary::Elf)
        }
        [0x7f, b'E', b'L', b'F', 1, ..] => foreign("a 32-bit processor"),
        [0x7f, b'E', b'L', b'F', _, _, ..] => foreign("another processor"),
        // `MH_MAGIC`, `MH_MAGIC_64`, and either of them for several processors (`fat_header`; Java's class files begin likewise, with a number that no
        // count of processors reaches).
        [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 0..=30] => foreign("macOS"),
        [b'M', b'Z', ..] => foreign("Windows"),
        _ => Binary::Other,
    })
}

/// `None` for a file whose headers contradict themselves.
fn needs(file: File) -> Option<Needs> {
    let data = ReadCache::new(file);
    let header = FileHeader64::<LittleEndian>::parse(&data).ok()?;
    let endian = LittleEndian;
    let mut needs = Needs { machine: header.e_machine(endian).0, ..Needs::default() };
    let sections = header.sections(endian, &data).ok()?;
    let dynamic = sections.dynamic_table(endian, &data).ok()?;
    for entry in dynamic.iter().filter(|entry| entry.tag == elf::DT_NEEDED) {
        let library = dynamic.string(entry).ok()?;
        needs.libraries.push(String::from_utf8_lossy(library).into_owned());
        needs.musl |= library.starts_with(b"libc.musl-") || library.starts_with(b"ld-musl-");
    }
    let Some((mut libraries, link)) = sections.gnu_verneed(endian, &data).ok()? else { return Some(needs) };
    let strings = sections.strings(endian, &data, link).ok()?;
    while let Some((library, mut versions)) = libraries.next().ok()? {
        // Under another name, it comes along with the wheel.
        let is_system = library.file(endian, strings).ok()? == b"libstdc++.so.6";
        while let Some(version) = versions.next().ok()? {
            if version.vna_flags.get(endian).0 & WEAK != 0 {
                continue;
            }
            let name = String::from_utf8_lossy(version.name(endian, strings).ok()?);
            let number = |prefix: &str| name.strip_prefix(prefix).and_then(|rest| rest.split('.').next()?.parse::<u32>().ok()).unwrap_or(0);
            needs.glibc = needs.glibc.max(if name == "GLIBC_ABI_DT_RELR" { 36 } else { number("GLIBC_2.") });
            if is_system {
                needs.glibcxx = needs.glibcxx.max(number("GLIBCXX_3.4."));
                needs.cxxabi = needs.cxxabi.max(number("CXXABI_1.3."));
            }
        }
    }
    Some(needs)
}
