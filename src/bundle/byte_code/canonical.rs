//! Brings marshalled code into the one form that does not depend on what else its interpreter has done.
//!
//! `marshal` marks every object that has more than one reference as one that may be referred to later on, and whether it has more than one depends
//! on the whole process: a name that another module uses too is shared with it. Here the mark stays on what is referred to, and on nothing else.

/// Set in the type of an object that references count.
const MARK: u8 = 0x80;

/// What is still to be read, in front of what lies below it.
enum Step {
    Objects(usize),
    Skip(usize),
}

/// Rewrites `code`, which Python 3.`minor` has marshalled, in place; its length stays. `None`: it holds something unknown.
pub(super) fn canonical(code: &mut [u8], minor: u8) -> Option<()> {
    let mut marked = Vec::new();
    let mut references = Vec::new();
    let mut at = 0;
    let mut steps = vec![Step::Objects(1)];
    while let Some(step) = steps.pop() {
        match step {
            Step::Objects(0) => {}
            Step::Skip(length) => at += length,
            Step::Objects(count) => {
                steps.push(Step::Objects(count - 1));
                let kind = *code.get(at)?;
                if kind & MARK != 0 {
                    marked.push(at);
                }
                at += 1;
                let long = || Some(i32::from_le_bytes(code.get(at..at + 4)?.try_into().ok()?));
                let length = || usize::try_from(long()?).ok();
                let short = || code.get(at).copied().map(usize::from);
                match kind & !MARK {
                    b'0' | b'N' | b'F' | b'T' | b'S' | b'.' => {}
                    b'i' => at += 4,
                    b'g' => at += 8,
                    b'y' => at += 16,
                    b'l' => at += 4 + 2 * usize::try_from(long()?.unsigned_abs()).ok()?,
                    b's' | b't' | b'u' | b'a' | b'A' => at += 4 + length()?,
                    b'z' | b'Z' => at += 1 + short()?,
                    b'r' => {
                        references.push(at);
                        at += 4;
                    }
                    b'(' | b'[' | b'<' | b'>' => {
                        steps.push(Step::Objects(length()?));
                        at += 4;
                    }
                    b')' => {
                        steps.push(Step::Objects(short()?));
                        at += 1;
                    }
                    // A slice.
                    b':' => steps.push(Step::Objects(3)),
                    b'c' => steps.extend(code_object(minor)),
                    _ => return None,
                }
            }
        }
    }
    if at != code.len() {
        return None;
    }
    renumber(code, &marked, &references)
}

/// A code object, last step first: numbers; byte code, constants, names; the first line's number; tables.
fn code_object(minor: u8) -> [Step; 4] {
    let (numbers, tables) = if minor < 11 { (6, 1) } else { (5, 2) };
    [Step::Objects(tables), Step::Skip(4), Step::Objects(8), Step::Skip(4 * numbers)]
}

fn renumber(code: &mut [u8], marked: &[usize], references: &[usize]) -> Option<()> {
    let number = |code: &[u8], at: usize| usize::try_from(u32::from_le_bytes(code.get(at..at + 4)?.try_into().ok()?)).ok();
    let mut used = vec![false; marked.len()];
    for at in references {
        *used.get_mut(number(code, *at)?)? = true;
    }
    let mut numbers = Vec::with_capacity(marked.len());
    let mut next: u32 = 0;
    for (at, used) in marked.iter().zip(used) {
        numbers.push(next);
        if used {
            next += 1;
        } else {
            *code.get_mut(*at)? &= !MARK;
        }
    }
    for at in references {
        let new = numbers.get(number(code, *at)?)?.to_le_bytes();
        code.get_mut(*at..*at + 4)?.copy_from_slice(&new);
    }
    Some(())
}
