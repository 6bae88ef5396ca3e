//! The generated configuration: one JSON file beside the shim's handler. Data only, and nothing of the function's environment.

use serde_json::{Map, Value, json};

use super::entry_point::EntryPoint;
use super::shim::PACKAGE;
use super::{BundleError, Entry, Part, Source};
use crate::model::Authorizer;
use crate::settings::Settings;

/// The shim refuses any other.
const FORMAT: u32 = 1;

/// The member that holds the configuration of `settings` for the app at `entry_point`.
pub(super) fn entry(settings: &Settings, entry_point: &EntryPoint<'_>) -> Result<Entry, BundleError> {
    let mut schedules: Vec<_> = settings.schedules.iter().collect();
    schedules.sort_by(|a, b| a.name.cmp(&b.name));
    let schedules: Map<String, Value> = schedules
        .into_iter()
        .map(|schedule| (schedule.name.clone(), json!({ "function": schedule.function, "kwargs": schedule.kwargs })))
        .collect();
    let shim = &settings.shim;
    let app = entry_point.for_shim();
    let configuration = json!({
        "format": FORMAT,
        "app": app,
        "django_settings": app.is_none().then_some(entry_point.module),
        "project": settings.id.project,
        "stage": settings.id.stage,
        "debug": shim.debug,
        "log_level": shim.log_level,
        "base_path": settings.base_path,
        "domain": settings.domain.as_ref().map(|domain| &domain.name),
        "binary_support": shim.binary_support,
        "additional_text_mimetypes": shim.additional_text_mimetypes,
        "context_header_mappings": shim.context_header_mappings,
        "exception_handler": shim.exception_handler,
        "authorizer_function": settings.gateway.authorizer.as_ref().and_then(Authorizer::own_function),
        "schedules": schedules,
        "allow_raw_invoke": shim.allow_raw_invoke,
    });
    let mut bytes = serde_json::to_vec_pretty(&configuration).map_err(BundleError::Configuration)?;
    bytes.push(b'\n');
    Ok(Entry {
        path: format!("{PACKAGE}/config.json"),
        part: Part::Configuration,
        size: bytes.len() as u64,
        executable: false,
        reason: "settings".to_owned(),
        source: Source::Bytes(bytes),
        digest: None,
    })
}
