//! The stage in a REST API's URL: `https://ID.execute-api.REGION.amazonaws.com/STAGE/path`, and nowhere else.

use crate::model::FrontDoor;

use super::target::Target;
use super::{Failure, HttpRequest};

/// Whether `domain_name` is an API's own; every other name, a local one too, is like a custom domain without a base path.
pub(super) fn is_own(domain_name: &str) -> bool {
    domain_name.contains(".execute-api.")
}

/// Takes the stage off the request's path, where this front door has it there under this name. What follows it is the path that the function gets
/// (captured: `path` has no stage, `requestContext.path` has). An HTTP API is deployed on `$default`, which is in no URL.
pub fn enter_stage(front_door: FrontDoor, request: &mut HttpRequest, stage: &str, domain_name: &str) -> Result<(), Failure> {
    if front_door != FrontDoor::Rest || !is_own(domain_name) {
        return Ok(());
    }
    let target = Target::parse(&request.target);
    let path = target.path();
    // Whole segments only: `/devices` is not in the stage `dev`.
    let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(stage)).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let rest = rest.ok_or(Failure::NoSuchRoute)?;
    let rest = if rest.is_empty() { "/" } else { rest };
    request.target = if target.query.is_empty() { rest.to_owned() } else { format!("{rest}?{}", target.query) };
    Ok(())
}
