//! What a path of a domain name leads to. A regional name's mappings lead to REST and HTTP APIs alike, so that one call lets a domain follow from one to the
//! other; those of an edge-optimized name are an older sort, which knows REST APIs and paths of one segment only.

use super::name::{self, Name};
use crate::cloud::aws::AwsError;
use crate::cloud::aws::classify::{failed, found};
use crate::cloud::aws::route::{Site, rest};

const ABSENT: [&str; 1] = ["NotFoundException"];
const EXISTS: [&str; 1] = ["ConflictException"];
/// The path of a mapping that has none.
const NO_PATH: &str = "(none)";

/// A path, and what it leads to.
#[derive(Debug, Clone)]
pub(super) struct Mapping {
    /// Of a regional name's.
    id: Option<String>,
    /// Without slashes at the ends; empty where there is none.
    pub(super) path: String,
    pub(super) api: String,
    pub(super) stage: String,
}

/// An API and its stage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goal<'a> {
    pub(super) api: &'a str,
    pub(super) stage: &'a str,
}

pub(super) async fn list(site: Site<'_>, name: &Name) -> Result<Vec<Mapping>, AwsError> {
    let mut mappings = Vec::new();
    if name.edge {
        let request = site.clients.rest_apis.get_base_path_mappings().domain_name(&name.name).limit(rest::PAGE);
        let answer = found(request.send().await, &ABSENT).map_err(failed(rest::GET, path(name)))?;
        for there in answer.and_then(|answer| answer.items).unwrap_or_default() {
            mappings.push(Mapping {
                id: None,
                path: there.base_path.filter(|path| path != NO_PATH).unwrap_or_default(),
                api: there.rest_api_id.unwrap_or_default(),
                stage: there.stage.unwrap_or_default(),
            });
        }
        return Ok(mappings);
    }
    let mut next = None;
    loop {
        let request = site.clients.http_apis.get_api_mappings().domain_name(&name.name).set_next_token(next);
        let Some(page) = found(request.send().await, &ABSENT).map_err(failed(rest::GET, path(name)))? else { return Ok(mappings) };
        for there in page.items.unwrap_or_default() {
            mappings.push(Mapping {
                id: there.api_mapping_id,
                path: there.api_mapping_key.unwrap_or_default(),
                api: there.api_id.unwrap_or_default(),
                stage: there.stage.unwrap_or_default(),
            });
        }
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(mappings);
        }
    }
}

/// A new path; `false` if it is there already: our own, whose answer was lost, or another run's.
pub(super) async fn create(site: Site<'_>, name: &Name, key: &str, goal: Goal<'_>) -> Result<bool, AwsError> {
    let made = if name.edge {
        let request = site.clients.rest_apis.create_base_path_mapping().domain_name(&name.name).rest_api_id(goal.api).stage(goal.stage);
        let request = if key.is_empty() { request } else { request.base_path(key) };
        found(request.send().await, &EXISTS).map_err(failed(rest::POST, path(name)))?.is_some()
    } else {
        let request = site.clients.http_apis.create_api_mapping().domain_name(&name.name).api_id(goal.api).stage(goal.stage);
        found(request.api_mapping_key(key).send().await, &EXISTS).map_err(failed(rest::POST, path(name)))?.is_some()
    };
    Ok(made)
}

/// Lets a path that is there lead to something else, without a moment in which it leads nowhere.
pub(super) async fn point(site: Site<'_>, name: &Name, there: &Mapping, goal: Goal<'_>) -> Result<(), AwsError> {
    if name.edge {
        let patches = vec![rest::patch("/restapiId", goal.api), rest::patch("/stage", goal.stage)];
        let request = site.clients.rest_apis.update_base_path_mapping().domain_name(&name.name).base_path(shown(&there.path));
        request.set_patch_operations(Some(patches)).send().await.map_err(failed(rest::PATCH, path(name)))?;
    } else {
        let request = site.clients.http_apis.update_api_mapping().domain_name(&name.name).set_api_mapping_id(there.id.clone());
        let request = request.api_mapping_key(&there.path).api_id(goal.api).stage(goal.stage);
        request.send().await.map_err(failed(rest::PATCH, path(name)))?;
    }
    Ok(())
}

pub(super) async fn delete(site: Site<'_>, name: &Name, there: &Mapping) -> Result<(), AwsError> {
    if name.edge {
        let request = site.clients.rest_apis.delete_base_path_mapping().domain_name(&name.name).base_path(shown(&there.path));
        found(request.send().await, &ABSENT).map_err(failed(rest::DELETE, path(name)))?;
    } else {
        let request = site.clients.http_apis.delete_api_mapping().domain_name(&name.name).set_api_mapping_id(there.id.clone());
        found(request.send().await, &ABSENT).map_err(failed(rest::DELETE, path(name)))?;
    }
    Ok(())
}

fn shown(path: &str) -> &str {
    if path.is_empty() { NO_PATH } else { path }
}

/// As IAM writes it.
fn path(name: &Name) -> String {
    let below = if name.edge { "basepathmappings" } else { "apimappings" };
    format!("{}/{below}", name::path(&name.name))
}
