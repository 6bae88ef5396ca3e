//! What a stage remembers of itself, in the description of its alias `live`: the only text in AWS that is changed together with where `live` points, and
//! only if nobody else has changed it since it was read (`RevisionId`). It holds the lock, too.
//!
//! ```text
//! zappa released surroundings=0c1f… route=8a2b… schedules=77d0… door=rest:a1b2c3 lock=5f3a@2026-11-24T12:34:56Z by jane@laptop 4711 9be1
//! ```
//!
//! Words in this order, all but the first optional; what cannot be read is as good as absent, so that nothing is taken for done that may not be. The
//! field takes 256 characters (API reference, `UpdateAlias`).

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::cloud::{Fingerprint, Fingerprints};

/// For how long a lock holds without being renewed.
pub(super) const LEASE: SignedDuration = SignedDuration::from_secs(90);
/// What is left for a name once everything else is written.
const MAX_HOLDER: usize = 40;
const MARK: &str = "zappa";

/// The description of `live`, read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Record {
    /// Whether `live` points at something that was found well: an alias that only holds the lock of a first deployment does not.
    pub(super) released: bool,
    /// What was put in place beside the versions.
    pub(super) applied: Applied,
    /// The front door, in the words of `route::Door`.
    pub(super) door: Option<String>,
    /// Who is at work.
    pub(super) lock: Option<Lock>,
}

/// As [`Fingerprints`], as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Applied {
    pub(super) surroundings: Option<Fingerprint>,
    pub(super) route: Option<Fingerprint>,
    pub(super) schedules: Option<Fingerprint>,
}

impl Applied {
    /// All of it, or nothing that could be relied on.
    pub(super) fn complete(&self) -> Option<Fingerprints> {
        let Self { surroundings, route, schedules } = self.clone();
        Some(Fingerprints { surroundings: surroundings?, route: route?, schedules: schedules? })
    }
}

/// A run's hold on the stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lock {
    /// Of this run and no other.
    pub(super) token: String,
    /// When it ends by itself.
    pub(super) until: Timestamp,
    /// `user@machine`.
    pub(super) holder: String,
    /// Process id on that machine.
    pub(super) pid: u32,
    /// A fingerprint of the machine, to tell whether that process can be looked for.
    pub(super) machine: String,
}

impl Record {
    /// Reads a description. One that is not ours belongs to an alias that somebody else has made: it points at what they want.
    pub(super) fn read(description: &str) -> Self {
        let mut words = description.split(' ');
        if words.next() != Some(MARK) {
            return Self { released: true, ..Self::default() };
        }
        let mut record = Self::default();
        while let Some(word) = words.next() {
            let print = |text: &str| Some(Fingerprint(text.to_owned()));
            match word.split_once('=') {
                None if word == "released" => record.released = true,
                Some(("surroundings", text)) => record.applied.surroundings = print(text),
                Some(("route", text)) => record.applied.route = print(text),
                Some(("schedules", text)) => record.applied.schedules = print(text),
                Some(("door", text)) => record.door = Some(text.to_owned()),
                // Comes last, and takes what follows.
                Some(("lock", text)) => {
                    let rest: Vec<&str> = words.collect();
                    record.lock = Lock::read(text, &rest);
                    break;
                }
                _ => {}
            }
        }
        record
    }
}

impl Lock {
    fn read(head: &str, rest: &[&str]) -> Option<Self> {
        let (token, until) = head.split_once('@')?;
        let (holder, pid, machine) = match rest {
            ["by", holder, pid, machine] => (*holder, pid.parse().ok()?, *machine),
            _ => return None,
        };
        let until = until.parse().ok()?;
        Some(Self { token: token.to_owned(), until, holder: holder.to_owned(), pid, machine: machine.to_owned() })
    }

    /// What to call whoever holds it.
    pub(super) fn words(&self) -> String {
        format!("{}, process {}, until {}", self.holder, self.pid, self.until.strftime("%H:%M:%S UTC"))
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { released, applied: Applied { surroundings, route, schedules }, door, lock } = self;
        f.write_str(MARK)?;
        if *released {
            f.write_str(" released")?;
        }
        for (name, print) in [("surroundings", surroundings), ("route", route), ("schedules", schedules)] {
            if let Some(print) = print {
                write!(f, " {name}={print}")?;
            }
        }
        if let Some(door) = door {
            write!(f, " door={door}")?;
        }
        if let Some(Lock { token, until, holder, pid, machine }) = lock {
            let plain = |c: char| if c.is_ascii_graphic() { c } else { '_' };
            let holder: String = holder.chars().map(plain).take(MAX_HOLDER).collect();
            write!(f, " lock={token}@{} by {holder} {pid} {machine}", until.strftime("%Y-%m-%dT%H:%M:%SZ"))?;
        }
        Ok(())
    }
}
