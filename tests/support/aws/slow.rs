//! The states between "asked for" and "done" that moto leaves out: a new function is pending, a changed one in progress, for the first reads.
//! Meanwhile AWS refuses what would change or publish it.

use std::collections::BTreeMap;

use http::Response;
use http::request::Parts;

use super::faults::{Code, refusal};
use super::operations::Name;

/// How many reads it takes until a function is ready.
const READS: usize = 2;

/// Functions that are not ready, by region and name.
#[derive(Default)]
pub(super) struct SlowStates {
    busy: BTreeMap<(String, String), (State, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Creating,
    Updating,
}

impl SlowStates {
    /// The answer to what cannot be done yet.
    pub(super) fn refuse(&self, name: &Name, head: &Parts) -> Option<Response<Vec<u8>>> {
        let key = key(name, head.uri.path())?;
        let (state, _) = self.busy.get(&key)?;
        let refused = match name.operation.as_str() {
            "UpdateFunctionCode" | "UpdateFunctionConfiguration" | "PublishVersion" => true,
            "Invoke" => *state == State::Creating,
            _ => false,
        };
        let arn = format!("arn:aws:lambda:{}:123456789012:function:{}", key.0, key.1);
        let message = match state {
            State::Creating => {
                "The operation cannot be performed at this time. The function is currently in the following state: Pending".to_owned()
            }
            State::Updating => format!("The operation cannot be performed at this time. An update is in progress for resource: {arn}"),
        };
        refused.then(|| refusal(name, head, (409, &Code::Is("ResourceConflictException".to_owned()), &message)))
    }

    /// The answer of moto, with the state that AWS would show.
    pub(super) fn show(&mut self, name: &Name, head: &Parts, response: Response<Vec<u8>>) -> Response<Vec<u8>> {
        if name.service != "lambda" || !response.status().is_success() {
            return response;
        }
        let Ok(mut body) = serde_json::from_slice::<serde_json::Value>(response.body()) else { return response };
        let state = match name.operation.as_str() {
            "CreateFunction" => Some(State::Creating),
            "UpdateFunctionCode" | "UpdateFunctionConfiguration" => Some(State::Updating),
            "GetFunction" | "GetFunctionConfiguration" => None,
            _ => return response,
        };
        let key = match (state, key(name, head.uri.path())) {
            (Some(State::Creating), _) => (name.region.clone(), body["FunctionName"].as_str().unwrap().to_owned()),
            (_, Some(key)) => key,
            (_, None) => return response,
        };
        if let Some(state) = state {
            self.busy.insert(key.clone(), (state, READS + 1));
        }
        let Some((state, left)) = self.busy.get_mut(&key) else { return response };
        *left -= 1;
        let configuration = if body["Configuration"].is_object() { &mut body["Configuration"] } else { &mut body };
        match state {
            State::Creating => {
                configuration["State"] = "Pending".into();
                configuration["StateReason"] = "The function is being created.".into();
                configuration["StateReasonCode"] = "Creating".into();
            }
            State::Updating => {
                configuration["LastUpdateStatus"] = "InProgress".into();
                configuration["LastUpdateStatusReason"] = "The function is being created.".into();
                configuration["LastUpdateStatusReasonCode"] = "Creating".into();
            }
        }
        if *left == 0 {
            self.busy.remove(&key);
        }
        let (mut head, _) = response.into_parts();
        head.headers.remove(http::header::CONTENT_LENGTH);
        // A checksum of what moto said.
        head.headers.remove("x-amz-crc32");
        Response::from_parts(head, body.to_string().into_bytes())
    }
}

/// Region and name of the function that a request is about, if it names one in its path.
fn key(name: &Name, path: &str) -> Option<(String, String)> {
    let function = path.split_once("/functions/")?.1.split('/').next()?;
    let function = percent_encoding::percent_decode_str(function).decode_utf8_lossy();
    // A name, `name:qualifier` or an ARN.
    let function = function.rsplit_once(":function:").map_or(&*function, |(_, name)| name);
    Some((name.region.clone(), function.split(':').next()?.to_owned()))
}
