//! What makes a child process a sandbox, done between fork and exec: its life is tied to ours, it loses root's right to write what is read-only,
//! and, where the kernel permits it, it gets mounts of its own: the code read-only even for its owner, and `/tmp` its own, as large as the stage's
//! `ephemeral_storage` and no larger. A layer is at `/opt`, as in Lambda, unless something that the process needs lies there; else it is where it is, and
//! the environment says so.
//!
//! Where mounts of one's own are not permitted (some containers, some distributions' rules for ordinary users), or where the code or the interpreter
//! lies itself below `/tmp`, the sandbox has a directory of its own that `TMPDIR` names; how much is written there is then not limited, and what
//! writes to `/tmp` by name shares it with everybody. What a root user's function may do on purpose (remount, change modes) is not prevented: this
//! is likeness to Lambda, not a prison.

use std::io;
use std::path::Path;

use tokio::process::Command;

use super::FunctionConfig;

/// The only `/tmp` that applications know by name.
const TMP: &str = "/tmp";
/// Where Lambda unpacks layers.
const OPT: &str = "/opt";

/// What is done for a child. Decided, and written down, before it is forked.
pub(super) struct Isolation {
    mounts: bool,
    own_tmp: bool,
    own_opt: bool,
}

impl Isolation {
    /// The most that can be had for this function; without mounts if they are known to be `refused`.
    pub(super) fn plan(config: &FunctionConfig, refused: bool) -> Self {
        let mounts = cfg!(target_os = "linux") && !refused;
        let own_tmp = mounts && config.ephemeral_storage_mb > 0 && !needs(config, TMP);
        // Nothing is made on this machine for the sake of a sandbox, not even a directory to mount on.
        let own_opt = mounts && config.layer.is_some() && Path::new(OPT).is_dir() && !needs(config, OPT);
        Self { mounts, own_tmp, own_opt }
    }

    /// Whether `/tmp` is the child's own, and `TMPDIR` not needed.
    pub(super) fn owns_tmp(&self) -> bool {
        self.own_tmp
    }

    /// What stands for `/opt`.
    pub(super) fn opt<'a>(&self, config: &'a FunctionConfig) -> &'a Path {
        config.layer.as_deref().filter(|_| !self.own_opt).unwrap_or(Path::new(OPT))
    }

    /// Whether a failed start may go well without mounts.
    pub(super) fn was_refused(&self, error: &io::Error) -> bool {
        self.mounts && imp::was_refused(error)
    }

    /// Has it done to `command`'s child.
    pub(super) fn apply(&self, command: &mut Command, config: &FunctionConfig) -> io::Result<()> {
        imp::apply(self, command, config)
    }
}

/// Whether something that the process cannot do without would be hidden by another directory in the place of this one: its code, its layer, or any step
/// from the environment's interpreter to the one that it is a link to.
fn needs(config: &FunctionConfig, directory: &str) -> bool {
    let directory = Path::new(directory);
    let real = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let below = |path: &Path| path.starts_with(directory) || path.starts_with(&real);
    let hidden = |path: &Path| below(path) || path.canonicalize().is_ok_and(|path| below(&path));
    // A copied interpreter is no link; its environment says where it came from.
    let environment = config.python.parent().and_then(Path::parent).map(|prefix| prefix.join("pyvenv.cfg"));
    let text = environment.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    let home = text.lines().find_map(|line| line.strip_prefix("home")?.trim_start().strip_prefix('='));
    hidden(&config.code)
        || config.layer.as_deref().is_some_and(hidden)
        || hidden(&config.python)
        || home.is_some_and(|home| hidden(Path::new(home.trim())))
}

#[cfg(target_os = "linux")]
mod imp {
    use std::ffi::{CStr, CString};
    use std::io;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::Path;

    use rustix::fs::{Mode, OFlags, StatVfsMountFlags, open, statvfs};
    use rustix::io::Errno;
    use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change, mount_remount};
    use rustix::process::{Signal, chdir, getegid, geteuid, getppid, set_parent_process_death_signal};
    use rustix::thread::{
        CapabilitySet, UnshareFlags, capabilities, remove_capability_from_bounding_set, set_capabilities, unshare_unsafe,
    };
    use tokio::process::Command;

    use super::{Isolation, OPT, TMP};
    use crate::emulator::FunctionConfig;

    /// How the child says that it could not have mounts of its own: errors come out of it as numbers, and nothing else gives this one.
    const REFUSED: Errno = Errno::NOTUNIQ;

    pub(super) fn was_refused(error: &io::Error) -> bool {
        error.raw_os_error() == Some(REFUSED.raw_os_error())
    }

    /// Everything that the child needs and could not allocate.
    struct Mounts {
        code: (CString, MountFlags),
        /// The layer, and `/opt`.
        opt: Option<((CString, MountFlags), CString)>,
        /// `/tmp` and the options of what is put there.
        tmp: Option<(CString, CString)>,
        uid_map: String,
        gid_map: String,
    }

    impl Mounts {
        fn prepare(isolation: &Isolation, config: &FunctionConfig) -> io::Result<Self> {
            let layer = config.layer.as_deref().filter(|_| isolation.own_opt);
            let opt = layer.map(|layer| Ok::<_, io::Error>((Self::read_only(layer)?, CString::new(OPT)?))).transpose()?;
            let options = format!("size={}m,mode=1777", config.ephemeral_storage_mb);
            let tmp = isolation.own_tmp.then(|| Ok::<_, io::Error>((CString::new(TMP)?, CString::new(options)?))).transpose()?;
            let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
            let code = Self::read_only(&config.code)?;
            Ok(Self { code, opt, tmp, uid_map: format!("{uid} {uid} 1"), gid_map: format!("{gid} {gid} 1") })
        }

        /// A directory, and how it is mounted read-only: what restricts a mount stays with it, an ordinary user may only add to that.
        fn read_only(directory: &Path) -> io::Result<(CString, MountFlags)> {
            let directory = CString::new(directory.as_os_str().as_bytes())?;
            let flags = statvfs(directory.as_c_str()).map_or(StatVfsMountFlags::empty(), |stat| stat.f_flag);
            let same = [
                (StatVfsMountFlags::NODEV, MountFlags::NODEV),
                (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
                (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
                (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
                (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
                (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
            ];
            let kept = same.into_iter().filter(|(is, _)| flags.contains(*is)).map(|(_, keep)| keep);
            Ok((directory, kept.fold(MountFlags::BIND | MountFlags::RDONLY, |all, flag| all | flag)))
        }

        /// Runs in the child.
        fn enter(&self) -> Result<(), Errno> {
            if unshare(UnshareFlags::NEWNS).is_err() {
                // Whoever is not root may only do it inside a user namespace, in which everybody keeps his own number.
                unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS)?;
                write(c"/proc/self/setgroups", b"deny")?;
                write(c"/proc/self/gid_map", self.gid_map.as_bytes())?;
                write(c"/proc/self/uid_map", self.uid_map.as_bytes())?;
            }
            // Nothing that is mounted from now on is seen by anybody else.
            mount_change(c"/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
            if let Some(((layer, flags), opt)) = &self.opt {
                mount_bind(layer.as_c_str(), opt.as_c_str())?;
                // Without it the mode bits are still there.
                let _ = mount_remount(opt.as_c_str(), *flags, c"");
            }
            if let Some((tmp, options)) = &self.tmp {
                mount(c"tmpfs", tmp.as_c_str(), c"tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options.as_c_str())?;
            }
            let (code, flags) = &self.code;
            if mount_bind(code.as_c_str(), code.as_c_str()).is_ok() {
                let _ = mount_remount(code.as_c_str(), *flags, c"");
                // We stand in the directory as it was before, which can be written to.
                chdir(code.as_c_str())?;
            }
            Ok(())
        }
    }

    fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
        #[expect(unsafe_code, reason = "unsafe for the sake of `FILES`, which is not among our flags")]
        // SAFETY: never called with `UnshareFlags::FILES`, so that no thread's descriptors are taken from another.
        unsafe {
            unshare_unsafe(flags)
        }
    }

    fn write(path: &CStr, content: &[u8]) -> Result<(), Errno> {
        let file = open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::write(&file, content).map(drop)
    }

    #[expect(unsafe_code, reason = "what has to happen between fork and exec cannot be said in safe code")]
    pub(super) fn apply(isolation: &Isolation, command: &mut Command, config: &FunctionConfig) -> io::Result<()> {
        let parent = std::process::id();
        let mounts = if isolation.mounts { Some(Mounts::prepare(isolation, config)?) } else { None };
        let before_exec = move || {
            if let Some(mounts) = &mounts {
                mounts.enter().map_err(|_| REFUSED)?;
            }
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // We may have ended before the line above.
            if getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs()).is_some_and(|pid| pid != parent) {
                return Err(Errno::SRCH.into());
            }
            // Lambda's code directory is read-only for everybody; mode bits alone do not bind root. Fails for other users, who need no such thing.
            // (CAP_DAC_READ_SEARCH stays: reading is allowed.)
            let _ = remove_capability_from_bounding_set(CapabilitySet::DAC_OVERRIDE);
            if let Ok(mut sets) = capabilities(None) {
                sets.inheritable.remove(CapabilitySet::DAC_OVERRIDE);
                let _ = set_capabilities(None, sets);
            }
            Ok(())
        };
        // SAFETY: the closure runs in the forked child, where other threads' locks may be held for ever: it must not allocate or lock. It makes
        // system calls through rustix, which does neither when paths are C strings, and only reads memory that was made before the fork.
        unsafe {
            command.pre_exec(before_exec);
        }
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::io;

    use tokio::process::Command;

    use super::Isolation;
    use crate::emulator::FunctionConfig;

    pub(super) fn was_refused(_error: &io::Error) -> bool {
        false
    }

    pub(super) fn apply(_isolation: &Isolation, _command: &mut Command, _config: &FunctionConfig) -> io::Result<()> {
        Ok(())
    }
}
