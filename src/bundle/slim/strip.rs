//! A shared object without what only debuggers and linkers read: symbol tables, debug information, notes of compilers.
//!
//! What a loader maps is not moved. Such sections mostly lie behind all of it: there the file is cut, and gets a new table of its sections. Symbols name
//! sections by number, so the numbers stay. A file that is not exactly like this is left alone.

use std::mem::size_of;

use object::elf::{self, FileHeader64, ProgramHeader64, SectionHeader64, SymbolSection};
use object::read::elf::{FileHeader as _, ProgramHeader as _, SectionHeader as _};
use object::{LittleEndian, U32, U64, pod};

type Header = FileHeader64<LittleEndian>;
type Section = SectionHeader64<LittleEndian>;

const ENDIAN: LittleEndian = LittleEndian;
/// Bytes that have to be gained: less is not worth a file that differs from the one that was published.
const WORTH: usize = 4096;
/// How names of sections begin that nothing reads at run time. Another name may be one that the code itself looks for in its file.
const UNREAD: [&[u8]; 16] = [
    b".debug_",
    b".zdebug_",
    b".comment",
    b".symtab",
    b".strtab",
    b".shstrtab",
    b".gnu_debug",
    b".gnu.build.attributes",
    b".annobin",
    b".note.",
    b".gdb_index",
    b".GCC.command.line",
    b".gnu.lto_",
    b".stab",
    b".llvm",
    b".ctf",
];

/// The file without them, made in its place in memory, since some are large; `None` where it is to stay as it is.
pub(super) fn strip(mut file: Vec<u8>) -> Option<Vec<u8>> {
    let length = file.len();
    let data = file.as_slice();
    let header = Header::parse(data).ok()?;
    header.endian().ok()?;
    let machine = header.e_machine(ENDIAN);
    if header.e_type(ENDIAN) != elf::ET_DYN || (machine != elf::EM_X86_64 && machine != elf::EM_AARCH64) {
        return None;
    }
    let sections = header.section_headers(ENDIAN, data).ok()?;
    if sections.len() >= usize::from(elf::SHN_LORESERVE) {
        return None;
    }
    let end = end(header, sections, data)?;
    let mut behind = vec![range(header.e_shoff(ENDIAN), size_of_val(sections) as u64)?];
    let table = header.sections(ENDIAN, data).ok()?;
    let mut names = vec![0];
    let mut headers = Vec::new();
    let mut last = 0;
    for section in sections {
        let name = table.section_name(ENDIAN, section).ok()?;
        if is_kept(section) {
            if !links(section).all(|index| sections.get(index).is_some_and(|section| index == 0 || is_kept(section))) {
                return None;
            }
            let mut kept = *section;
            kept.sh_name.set(ENDIAN, names.len().try_into().ok()?);
            names.extend_from_slice(name);
            names.push(0);
            headers.extend_from_slice(pod::bytes_of(&kept));
            last = headers.len();
            continue;
        }
        // An empty place keeps the numbers of those behind it.
        headers.extend_from_slice(&[0; size_of::<Section>()]);
        if section.sh_type(ENDIAN) != elf::SHT_NULL {
            if !UNREAD.iter().any(|unread| name.starts_with(unread)) {
                return None;
            }
            behind.extend(bits(section)?);
        }
    }
    headers.truncate(last);
    if last == 0 || !is_empty_beside(behind, end, data) {
        return None;
    }

    let mut header = *header;
    file.truncate(end);
    let number = u16::try_from(headers.len() / size_of::<Section>()).ok()?;
    let own_name = names.len();
    names.extend_from_slice(b".shstrtab\0");
    let own = Section {
        sh_name: U32::new(ENDIAN, own_name.try_into().ok()?),
        sh_type: U32::new(ENDIAN, elf::SHT_STRTAB),
        sh_flags: U64::new(ENDIAN, Default::default()),
        sh_addr: U64::new(ENDIAN, 0),
        sh_offset: U64::new(ENDIAN, end as u64),
        sh_size: U64::new(ENDIAN, names.len() as u64),
        sh_link: U32::new(ENDIAN, 0),
        sh_info: U32::new(ENDIAN, 0),
        sh_addralign: U64::new(ENDIAN, 1),
        sh_entsize: U64::new(ENDIAN, 0),
    };
    file.extend_from_slice(&names);
    file.resize(file.len().next_multiple_of(8), 0);
    header.e_shoff.set(ENDIAN, file.len() as u64);
    header.e_shnum.set(ENDIAN, number.checked_add(1)?);
    header.e_shstrndx.set(ENDIAN, SymbolSection(number));
    file.extend_from_slice(&headers);
    file.extend_from_slice(pod::bytes_of(&own));
    file.get_mut(..size_of::<Header>())?.copy_from_slice(pod::bytes_of(&header));
    (file.len() + WORTH <= length).then_some(file)
}

/// Whether it is in memory when the code runs.
fn is_kept(section: &Section) -> bool {
    section.sh_flags(ENDIAN).contains(elf::SHF_ALLOC)
}

/// Where everything ends that a loader looks at.
fn end(header: &Header, sections: &[Section], data: &[u8]) -> Option<usize> {
    let segments: &[ProgramHeader64<LittleEndian>] = header.program_headers(ENDIAN, data).ok()?;
    let mut end = range(header.e_phoff(ENDIAN), size_of_val(segments) as u64)?.1.max(size_of::<Header>());
    for segment in segments {
        end = end.max(range(segment.p_offset(ENDIAN), segment.p_filesz(ENDIAN))?.1);
    }
    for section in sections.iter().filter(|section| is_kept(section)) {
        end = bits(section)?.map_or(end, |(_, behind)| end.max(behind));
    }
    (end <= data.len()).then_some(end)
}

/// The sections that a section names by number.
fn links(section: &Section) -> impl Iterator<Item = usize> {
    let kind = section.sh_type(ENDIAN);
    let is_number = section.sh_flags(ENDIAN).contains(elf::SHF_INFO_LINK) || kind == elf::SHT_REL || kind == elf::SHT_RELA;
    let info = is_number.then(|| section.sh_info(ENDIAN));
    std::iter::once(section.sh_link(ENDIAN)).chain(info).map(|index| index as usize)
}

/// Where its bytes are in the file, if it has any there.
fn bits(section: &Section) -> Option<Option<(usize, usize)>> {
    if section.sh_type(ENDIAN) == elf::SHT_NOBITS {
        return Some(None);
    }
    range(section.sh_offset(ENDIAN), section.sh_size(ENDIAN)).map(Some)
}

fn range(offset: u64, size: u64) -> Option<(usize, usize)> {
    Some((offset.try_into().ok()?, offset.checked_add(size)?.try_into().ok()?))
}

/// Whether there is nothing behind `end` but these ranges and what fills the space between them: some programs carry their data behind them.
fn is_empty_beside(mut ranges: Vec<(usize, usize)>, end: usize, data: &[u8]) -> bool {
    ranges.sort_unstable();
    ranges.push((data.len(), data.len()));
    let mut position = end;
    for (from, to) in ranges {
        if from > position && data.get(position..from).is_none_or(|between| between.iter().any(|byte| *byte != 0)) {
            return false;
        }
        position = position.max(to);
    }
    position <= data.len()
}
