//! A child process that compiles: an interpreter with the embedded script, asked for one source after the other.

use std::ffi::OsStr;
use std::io::{self, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::canonical::canonical;
use crate::model::Runtime;

const SCRIPT: &str = include_str!("compile.py");
/// Magic number, flags, hash of the source (PEP 552).
const HEADER: usize = 16;

/// What an interpreter makes of a source.
pub(super) enum Compiled {
    /// A `.pyc`.
    Code(Vec<u8>),
    /// Why there is none.
    Refused(String),
}

/// A running interpreter.
pub(in crate::bundle) struct Compiler {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    minor: u8,
}

impl Compiler {
    /// Starts `python`, which has to be of the minor version of `runtime`.
    pub(super) fn start(python: &Path, runtime: Runtime) -> io::Result<Self> {
        let mut command = Command::new(python);
        // Not `-I`: that would ignore the hash seed, which the order in sets of constants depends on before Python 3.11.
        command.args(["-s", "-S", "-B", "-W", "ignore", "-c", SCRIPT]);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_pythons(name)) {
            command.env_remove(name);
        }
        command.env("PYTHONHASHSEED", "0");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let mut compiler = Self { child, stdin: Some(stdin), stdout: BufReader::new(stdout), minor: runtime.minor };
        let (_, version) = compiler.answer()?;
        if version == format!("cpython 3.{}", runtime.minor).as_bytes() {
            return Ok(compiler);
        }
        Err(io::Error::other(format!("it is {}", String::from_utf8_lossy(&version))))
    }

    /// Compiles `source` for a file at `path`. An error is one of the process, which has ended then.
    pub(super) fn compile(&mut self, path: &str, source: &[u8]) -> io::Result<Compiled> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map(u32::to_le_bytes).map_err(io::Error::other);
        let stdin = self.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stdin.write_all(&[&length(path.as_bytes())?[..], &length(source)?, path.as_bytes()].concat())?;
        stdin.write_all(source)?;
        let (failed, mut content) = self.answer()?;
        if failed {
            return Ok(Compiled::Refused(String::from_utf8_lossy(&content).into_owned()));
        }
        let code = content.get_mut(HEADER..).and_then(|code| canonical(code, self.minor));
        Ok(code.map_or_else(|| Compiled::Refused("its byte code has an unknown form".to_owned()), |()| Compiled::Code(content)))
    }

    fn answer(&mut self) -> io::Result<(bool, Vec<u8>)> {
        let mut head = [0; 5];
        self.stdout.read_exact(&mut head)?;
        let [status, length @ ..] = head;
        let mut content = vec![0; usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other)?];
        self.stdout.read_exact(&mut content)?;
        Ok((status != 0, content))
    }
}

impl Drop for Compiler {
    fn drop(&mut self) {
        // The end of its input is the end of the script. It need not tidy up after that, which takes it as long as to start.
        drop(self.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_pythons(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with("PYTHON")
}
