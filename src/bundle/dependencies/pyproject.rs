//! `[project] dependencies` of a `pyproject.toml` (PEP 621), for projects without a lock file.

use std::path::Path;

use toml::Value;

use super::{Wanted, document, wrong};
use crate::bundle::BundleError;

/// The project's own dependencies; of its optional ones and its groups none.
pub(super) fn read(path: &Path) -> Result<Wanted, BundleError> {
    let document = document(path)?;
    let project = document.get("project").and_then(Value::as_table);
    let Some(dependencies) = project.and_then(|project| project.get("dependencies")) else {
        let is_dynamic = project
            .and_then(|project| project.get("dynamic")?.as_array())
            .is_some_and(|fields| fields.iter().any(|field| field.as_str() == Some("dependencies")));
        return Err(match (is_dynamic, project.is_some()) {
            (true, _) => wrong(path, "`dependencies` is dynamic: only a build of the project knows them"),
            // PEP 621 lets a project have none.
            (false, true) => return Ok(Wanted::default()),
            (false, false) => wrong(path, "there is no table `[project]` with `dependencies`"),
        });
    };
    let lines = dependencies.as_array().and_then(|list| list.iter().map(|value| value.as_str().map(str::to_owned)).collect());
    match lines {
        Some(lines) => Ok(Wanted { lines, ..Wanted::default() }),
        None => Err(wrong(path, "`project.dependencies` is not a list of strings")),
    }
}
