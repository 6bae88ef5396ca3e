//! The environment of a sandbox's process: what the managed runtime documents, then the stage's own variables. Nothing of the developer's shell.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::FunctionConfig;

/// Names the Runtime API to the runtime client. Unique on this machine while the listener is open, hence also the mark by which everything that a
/// sandbox has started is found again.
pub(super) const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// Names the directory with the code, hence whose process it is.
pub(super) const TASK_ROOT: &str = "LAMBDA_TASK_ROOT";

const PYTHON_PATH: &str = "PYTHONPATH";

/// What differs between two sandboxes of one version.
pub(super) struct Identity<'a> {
    /// `host:port` of the Runtime API.
    pub(super) runtime_api: &'a str,
    /// The directory to use instead of `/tmp`, where that is not the sandbox's own.
    pub(super) temporary: Option<&'a Path>,
    /// `/opt`, or where else the layer is.
    pub(super) opt: &'a Path,
    /// `2026/11/24/[7]<32 hex digits>`.
    pub(super) log_stream: &'a str,
}

/// The whole environment of the process.
pub(super) fn variables(config: &FunctionConfig, identity: &Identity<'_>) -> BTreeMap<String, OsString> {
    let mut variables = defaults(config, identity.opt);
    variables.extend(config.environment.iter().map(|(name, value)| (name.clone(), OsString::from(value))));
    if config.layer.is_some() {
        let own = variables.remove(PYTHON_PATH);
        variables.insert(PYTHON_PATH.to_owned(), python_path(config, identity.opt, own));
    }
    // Reserved in Lambda: a function cannot be given another value for them.
    let reserved: [(&str, OsString); 14] = [
        ("_HANDLER", config.handler.clone().into()),
        ("AWS_REGION", config.region.clone().into()),
        ("AWS_DEFAULT_REGION", config.region.clone().into()),
        ("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", config.runtime).into()),
        ("AWS_LAMBDA_FUNCTION_NAME", config.function_name.clone().into()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", config.memory_mb.to_string().into()),
        ("AWS_LAMBDA_FUNCTION_VERSION", config.version.to_string().into()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".into()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", config.function_name).into()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", identity.log_stream.into()),
        (RUNTIME_API, identity.runtime_api.into()),
        (TASK_ROOT, config.code.clone().into()),
        ("LAMBDA_RUNTIME_DIR", runtime_directory(config).into()),
        ("TZ", if cfg!(windows) { "UTC" } else { ":UTC" }.into()),
    ];
    variables.extend(reserved.map(|(name, value)| (name.to_owned(), value)));
    if let Some(temporary) = identity.temporary {
        let names: &[&str] = if cfg!(windows) { &["TMPDIR", "TEMP", "TMP"] } else { &["TMPDIR"] };
        variables.extend(names.iter().map(|name| ((*name).to_owned(), temporary.into())));
    }
    variables
}

/// Behind the task root, in which the runtime client is started: what Lambda's own start-up puts there, and then what the stage wants to have there.
fn python_path(config: &FunctionConfig, opt: &Path, own: Option<OsString>) -> OsString {
    let root = opt.join("python");
    let mut path = root.join("lib").join(&config.runtime).join("site-packages").into_os_string();
    for more in [Some(root.into_os_string()), own].into_iter().flatten() {
        path.push(if cfg!(windows) { ";" } else { ":" });
        path.push(more);
    }
    path
}

/// Variables that a stage may set otherwise.
fn defaults(config: &FunctionConfig, opt: &Path) -> BTreeMap<String, OsString> {
    let mut variables: BTreeMap<String, OsString> = BTreeMap::new();
    variables.insert("LANG".to_owned(), locale().into());
    variables.insert("AWS_XRAY_CONTEXT_MISSING".to_owned(), "LOG_ERROR".into());
    variables.insert("AWS_XRAY_DAEMON_ADDRESS".to_owned(), "127.0.0.1:2000".into());
    let mut path: Vec<PathBuf> = config.python.parent().map(Path::to_owned).into_iter().collect();
    if cfg!(windows) {
        // Without SYSTEMROOT Python cannot open a socket there.
        if let Some(root) = std::env::var_os("SYSTEMROOT") {
            path.push(Path::new(&root).join("System32"));
            variables.insert("SYSTEMROOT".to_owned(), root);
        }
    } else {
        path.extend(["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from));
        path.push(opt.join("bin"));
        // Lambda's user has a home that does not exist. The developer's own would lend the app what lies there, `~/.aws/credentials` above all;
        // it does so only where the stage asks for a profile by name.
        if !config.environment.contains_key("AWS_PROFILE") {
            variables.insert("HOME".to_owned(), "/home/sbx_user1051".into());
        }
    }
    if cfg!(target_os = "linux") {
        let libraries = [config.code.clone(), config.code.join("lib"), opt.join("lib")];
        variables.extend(std::env::join_paths(libraries).ok().map(|value| ("LD_LIBRARY_PATH".to_owned(), value)));
    }
    variables.extend(std::env::join_paths(path).ok().map(|value| ("PATH".to_owned(), value)));
    variables
}

/// `/var/runtime` in Lambda: where the runtime client is installed.
fn runtime_directory(config: &FunctionConfig) -> PathBuf {
    config.python.parent().and_then(Path::parent).unwrap_or(&config.code).to_owned()
}

/// Lambda's `en_US.UTF-8`, or `C.UTF-8` on a machine that has no such locale: naming one that is missing makes `locale.setlocale` fail, which it
/// does not in Lambda.
fn locale() -> &'static str {
    static FOUND: OnceLock<&'static str> = OnceLock::new();
    FOUND.get_or_init(|| {
        let there = !cfg!(target_os = "linux")
            || ["/usr/lib/locale/en_US.utf8", "/usr/lib/locale/en_US.UTF-8"].iter().any(|path| Path::new(path).exists())
            || archived_locale("/usr/lib/locale/locale-archive");
        if there { "en_US.UTF-8" } else { "C.UTF-8" }
    })
}

/// Whether glibc's archive names the locale. Its string table stands before the data, which can be hundreds of megabytes.
fn archived_locale(path: &str) -> bool {
    use std::io::Read as _;
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(1024 * 1024).read_to_end(&mut head));
    read.is_ok() && head.windows(10).any(|window| window == b"en_US.utf8")
}
