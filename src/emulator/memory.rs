//! How much memory a sandbox takes, as the system tells it: the process and its descendants.
//!
//! What counts against the limit is what Lambda could not take away again: anonymous memory. Mapped files can be read again and do not count, nor
//! does `/tmp`, which is a disk in Lambda. That is also why this is watched and not left to a control group, where `/tmp`'s pages would count;
//! nor to `RLIMIT_AS`, which counts addresses and would refuse what needs no memory. A function can be over the limit for as long as it takes
//! until somebody looks ([`LOOK`]). Descendants that have made themselves somebody else's are not seen.

use std::time::Duration;

/// How often a busy sandbox is looked at.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// Of one process, in bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Usage {
    /// Resident now, files included.
    pub(super) resident: u64,
    /// The most that was ever resident.
    pub(super) peak: u64,
    /// Anonymous memory now.
    pub(super) anonymous: u64,
}

/// Of the process alone; `None` where the system does not tell.
pub(super) fn usage(pid: u32) -> Option<Usage> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name| field(&status, name);
    Some(Usage { resident: field("VmRSS:")?, peak: field("VmHWM:")?, anonymous: field("RssAnon:")? })
}

/// Whether the process and its descendants have more than `limit` bytes.
pub(super) fn exceeds(pid: u32, limit: u64) -> bool {
    let Some(own) = usage(pid) else { return false };
    if own.anonymous > limit {
        return true;
    }
    let descendants = descendants(pid);
    if descendants.is_empty() {
        return false;
    }
    let total: u64 = descendants.iter().filter_map(|pid| usage(*pid)).map(|usage| usage.anonymous).sum();
    // Pages that a fork shares with its parent were counted twice. To tell them apart is dear, so it is done only when it matters; twice, because
    // a fork between looking at the parent and looking at the child makes them count twice again.
    let shared_fairly = || descendants.iter().chain([&pid]).map(|pid| shared_fairly(*pid)).sum::<u64>();
    own.anonymous + total > limit && shared_fairly() > limit && shared_fairly() > limit
}

/// Anonymous memory with every page divided by the number of its users. Of a process that has just ended, and where the kernel does not tell: none.
fn shared_fairly(pid: u32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    field(&rollup, "Pss_Anon:").unwrap_or_default()
}

/// Children, their children and so on.
fn descendants(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        // Each thread has its own children.
        let threads = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
        for thread in threads {
            let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            let children = children.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok());
            for child in children.filter(|child| !found.contains(child)).collect::<Vec<_>>() {
                found.push(child);
                parents.push(child);
            }
        }
    }
    found
}

/// `Name:  123 kB`, in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
