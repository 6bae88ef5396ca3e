//! How long a function's init takes, module by module: the handler imported in a process that is a sandbox in all but the Runtime API, under the
//! interpreter's own clock (`-X importtime`).

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::FunctionConfig;
use super::process::{Process, Spawner};

const SOURCE: &str = include_str!("import_time.py");
/// More than this is not what an import writes.
const MOST_OUTPUT: usize = 32 << 20;

/// One module and what its import imported first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Module {
    /// Its full name.
    pub name: String,
    /// Its own code, in microseconds.
    pub self_us: u64,
    /// With all that it imported first.
    pub total_us: u64,
    /// In the order in which they were imported.
    pub imports: Vec<Module>,
}

/// What an import that failed raised.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Raised {
    /// The exception's class.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it says.
    pub message: String,
    /// `file:line in function`, the innermost last.
    pub frames: Vec<String>,
}

/// How an import went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// What was imported, as far as it got: as a rule the handler, and all else below it.
    pub modules: Vec<Module>,
    /// What it raised.
    pub raised: Option<Raised>,
    /// Why it did not come to its end, where it neither did nor raised.
    pub cut_short: Option<String>,
}

/// Imports the handler of `config`; `directories` follow the task root on `sys.path`. What takes longer than the function's timeout is ended.
pub async fn measure(config: &FunctionConfig, directories: &[PathBuf]) -> io::Result<Imported> {
    let mark = format!("zappa-import-{}", uuid::Uuid::new_v4().simple());
    let module = config.handler.rsplit_once('.').map_or(config.handler.as_str(), |(module, _)| module);
    let mut arguments = ["-X", "importtime", "-c", SOURCE, &mark, module].map(OsString::from).to_vec();
    arguments.extend(directories.iter().map(OsString::from));
    let spawner = Spawner::new();
    // Nothing listens there: nobody asks for a request.
    let mut process = Process::start_python(config, &spawner, (&mark, &mark), &arguments).await?;
    let mut written = Vec::new();
    let ended = tokio::time::timeout(config.timeout, read_to_end(&mut process, &mut written)).await;
    process.output.drain(|bytes| written.extend_from_slice(bytes));
    process.kill().await;
    let text = String::from_utf8_lossy(&written);
    let mut imported = parse(&text, &mark);
    if imported.cut_short.is_some() {
        imported.cut_short = Some(match ended {
            Err(_) => format!("it was not through after {} s", config.timeout.as_secs()),
            Ok(Err(error)) => format!("what it wrote could not be read: {error}"),
            Ok(Ok(None)) => "it wrote more than an import does".to_owned(),
            Ok(Ok(Some(status))) => format!("the process ended before it was through ({status})"),
        });
    }
    Ok(imported)
}

/// Reads until the process ends; `None` if it writes too much.
async fn read_to_end(process: &mut Process, written: &mut Vec<u8>) -> io::Result<Option<std::process::ExitStatus>> {
    let (output, child) = process.split();
    while written.len() < MOST_OUTPUT {
        tokio::select! {
            bytes = output.next() => written.extend_from_slice(bytes),
            status = child.wait() => return status.map(Some),
        }
    }
    Ok(None)
}

/// What stands between the marks.
fn parse(text: &str, mark: &str) -> Imported {
    let begin = format!("{mark} begin\n");
    let measured = text.split_once(&begin).map_or("", |(_, measured)| measured);
    let (measured, result) = measured.split_once(mark).unwrap_or((measured, ""));
    let raised = serde_json::from_str::<Option<Raised>>(result.trim());
    let cut_short = raised.as_ref().err().map(ToString::to_string);
    Imported { modules: tree(measured), raised: raised.ok().flatten(), cut_short }
}

/// The tree behind the lines. A module's own stands after those of what it imported, which are further to the right.
fn tree(text: &str) -> Vec<Module> {
    let mut open: Vec<(usize, Module)> = Vec::new();
    for (depth, mut module) in text.lines().filter_map(line) {
        let first = open.iter().rposition(|(other, _)| *other <= depth).map_or(0, |index| index + 1);
        module.imports = open.split_off(first).into_iter().map(|(_, module)| module).collect();
        open.push((depth, module));
    }
    open.into_iter().map(|(_, module)| module).collect()
}

/// `import time:       254 |        554 |     jinja2.loaders`, also behind what the app wrote to the same line.
fn line(text: &str) -> Option<(usize, Module)> {
    let (_, fields) = text.split_once("import time:")?;
    let mut fields = fields.splitn(3, '|');
    let mut number = || fields.next()?.trim().parse::<u64>().ok();
    let (self_us, total_us) = (number()?, number()?);
    let name = fields.next()?;
    let depth = name.len() - name.trim_start().len();
    Some((depth, Module { name: name.trim().to_owned(), self_us, total_us, imports: Vec::new() }))
}
