//! What the state directory and the emulator hold, in the words of the trait.

use super::ACCOUNT;
use super::state::{RouteState, StateDirectory, VersionState};
use crate::cloud::{Release, Route, Sandbox};
use crate::emulator::SandboxStatus;

pub(super) fn local_route(route: &RouteState, port: u16) -> Route {
    Route { front_door: route.front_door, url: local_url(port), port: Some(port) }
}

pub(super) fn function_arn(region: &str, function_name: &str) -> String {
    format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{function_name}")
}

pub(super) fn local_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/")
}

/// The hash as a directory's name: `/` and `+` of base64 replaced as in RFC 4648, section 5.
pub(super) fn directory_name(code_sha256: &str) -> String {
    code_sha256.replace('/', "_").replace('+', "-").trim_end_matches('=').to_owned()
}

pub(super) fn release(version: &VersionState) -> Release {
    Release {
        version: version.version,
        code_sha256: version.code_sha256.clone(),
        code_size: version.code_size,
        dependencies_sha256: version.dependencies.as_ref().map(|dependencies| dependencies.sha256.clone()),
        created: version.created.clone(),
    }
}

pub(super) fn sandbox(status: SandboxStatus) -> Sandbox {
    let SandboxStatus { pid, version, state, requests, memory_mb, peak_memory_mb, own_tmp: _ } = status;
    Sandbox { pid, version, state, requests, memory_mb, peak_memory_mb }
}

pub(super) fn facts(state: &StateDirectory, function_name: &str, running: bool, shared_tmp: bool) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    if !running {
        facts.push(("emulator".to_owned(), "not running; `zappa deploy` starts it".to_owned()));
    }
    if shared_tmp {
        facts.push(("tmp".to_owned(), "a directory per sandbox, named by `TMPDIR`, without a size limit".to_owned()));
    }
    facts.push(("log".to_owned(), state.log_file(function_name).display().to_string()));
    facts
}
