//! Whose run this is, and whether another one on this machine still goes on.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::record::{LEASE, Lock};

/// A lock for this run.
pub(super) fn new_lock() -> Lock {
    let token = Uuid::new_v4().simple().to_string().split_off(24);
    Lock { token, until: Timestamp::now() + LEASE, holder: holder(), pid: std::process::id(), machine: machine() }
}

/// Whether the run that holds `lock` has ended without releasing it: its time is over, or it was on this machine and its process is gone.
pub(super) fn is_dead(lock: &Lock) -> bool {
    lock.until < Timestamp::now() || (lock.machine == machine() && !is_running(lock.pid))
}

fn holder() -> String {
    let variable = |names: [&str; 2]| names.into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let user = variable(["USER", "USERNAME"]).unwrap_or_else(|| "somebody".to_owned());
    format!("{user}@{}", host())
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "unknown".to_owned())
}

/// Containers share host names, and process ids mean something only where they were given: so the boot and the namespace of ids, where the system tells.
fn machine() -> String {
    let mut hash = Sha256::new();
    hash.update(host());
    hash.update(std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default());
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    hash.update(namespace.as_os_str().as_encoded_bytes());
    hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(unix)]
fn is_running(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    // This run has only one lock: one with its own id is left from a process that had the id before.
    let own = pid == Some(rustix::process::getpid());
    // Not permitted to signal it: it runs.
    !own && pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Not asked: its lock ends by itself.
#[cfg(not(unix))]
fn is_running(_pid: u32) -> bool {
    true
}
