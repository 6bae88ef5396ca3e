//! A sandbox's process and all that it has started: frozen, thawed and killed together.

use std::path::Path;

use super::environment::{RUNTIME_API, TASK_ROOT};

/// The process and its descendants.
pub(super) struct Family {
    group: u32,
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux tells other processes' environments"))]
    mark: String,
    frozen: bool,
    ended: bool,
}

impl Family {
    /// The process group `group`, whose members inherit the address of the sandbox's Runtime API.
    pub(super) fn new(group: u32, runtime_api: &str) -> Self {
        Self { group, mark: format!("{RUNTIME_API}={runtime_api}"), frozen: false, ended: false }
    }

    /// Stops every process of the group where it is, as Lambda does between requests.
    pub(super) fn freeze(&mut self) {
        if !self.frozen {
            self.frozen = true;
            self.signal(Signal::Stop);
        }
    }

    /// Lets them go on.
    pub(super) fn thaw(&mut self) {
        if self.frozen {
            self.frozen = false;
            self.signal(Signal::Continue);
        }
    }

    /// Kills them, stopped or not.
    pub(super) fn end(&mut self) {
        if self.ended {
            return;
        }
        self.ended = true;
        self.signal(Signal::Kill);
        // Descendants that have left the group (daemons) have inherited a variable with a value that only this sandbox has.
        #[cfg(target_os = "linux")]
        strays::kill(|environment| environment.split(|&b| b == 0).any(|variable| variable == self.mark.as_bytes()));
    }

    #[cfg(unix)]
    fn signal(&self, signal: Signal) {
        use rustix::process::{Pid, Signal as Number, kill_process_group};
        let number = match signal {
            Signal::Stop => Number::STOP,
            Signal::Continue => Number::CONT,
            Signal::Kill => Number::KILL,
        };
        if let Some(group) = i32::try_from(self.group).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, number);
        }
    }

    #[cfg(not(unix))]
    fn signal(&self, _signal: Signal) {
        let _ = self.group;
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.end();
    }
}

#[derive(Clone, Copy)]
enum Signal {
    Stop,
    Continue,
    Kill,
}

/// Kills what the sandboxes of an emulator that was itself killed have left running: whatever has its task root below `directory`. Only for who
/// knows that nobody else serves code from there.
pub fn end_strays(directory: &Path) {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let mut mark = format!("{TASK_ROOT}=").into_bytes();
        mark.extend_from_slice(directory.as_os_str().as_bytes());
        mark.push(b'/');
        strays::kill(|environment| environment.split(|&b| b == 0).any(|variable| variable.starts_with(&mark)));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (directory, TASK_ROOT);
}

#[cfg(target_os = "linux")]
mod strays {
    use rustix::process::{Pid, Signal, kill_process};

    /// Kills every process whose environment matches, ourselves excepted.
    pub(super) fn kill(matches: impl Fn(&[u8]) -> bool) {
        // A stray may have had a child between being seen and being killed.
        const ROUNDS: usize = 3;
        for _ in 0..ROUNDS {
            let Ok(processes) = std::fs::read_dir("/proc") else { return };
            let mut found = false;
            for entry in processes.flatten() {
                let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
                if u32::try_from(pid) == Ok(std::process::id()) {
                    continue;
                }
                // Of one that is dead already there is none.
                let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
                if environment.is_empty() && std::fs::read_link(entry.path().join("exe")).is_ok() {
                    // Nor, for a moment, of one that is becoming another program: look again.
                    found = true;
                } else if matches(&environment) {
                    found = true;
                    if let Some(pid) = Pid::from_raw(pid) {
                        let _ = kill_process(pid, Signal::KILL);
                    }
                }
            }
            if !found {
                return;
            }
            std::thread::yield_now();
        }
    }
}
