//! Whether a stage is served as its state says.

use super::process::EmulatorProcess;
use super::state::StageState;
use super::{LocalCloud, LocalError};
use crate::cloud::{Fingerprints, Host, RouteSpec, StageSpec};
use crate::emulator::control::{ControlRequest, ControlResponse};
use crate::emulator::{FunctionStatus, ric};
use crate::model::{GatewaySettings, StageId};

/// What the emulator says of a stage.
#[derive(Default)]
pub(super) struct Served {
    /// `None`: it does not run.
    pub(super) host: Option<Host>,
    pub(super) status: Option<FunctionStatus>,
    /// It is of this build.
    pub(super) is_current: bool,
}

impl Served {
    /// Whether it serves just what the state says.
    fn is(&self, stage: &StageState) -> bool {
        let port = stage.route.as_ref().and_then(|route| route.port);
        let same = |status: &FunctionStatus| status.live == stage.live && status.address.map(|address| address.port()) == port;
        self.is_current && self.status.as_ref().is_some_and(same)
    }
}

impl LocalCloud {
    /// What the state holds, as far as it still holds: with a process that serves it, and versions that this run would make in the same way.
    pub(super) fn applied(&self, stage: &StageState, served: &Served) -> Option<Fingerprints> {
        let newest = stage.versions.last()?;
        let route = stage.route.as_ref()?;
        let (known, python) = match &self.options.interpreter {
            Some((executable, version)) => (true, ric::find_runtime(executable, version, &self.options.cache)),
            None => (false, None),
        };
        if !served.is(stage) || newest.region != self.options.region || (known && python.as_ref() != Some(&newest.python)) {
            return None;
        }
        Some(Fingerprints::of(&StageSpec {
            function: newest.function.clone(),
            surroundings: stage.surroundings.clone(),
            route: RouteSpec {
                front_door: route.front_door,
                binary_support: route.binary_support,
                cors: route.cors.clone(),
                gateway: GatewaySettings::default(),
                port: None,
            },
            schedules: stage.schedules.iter().map(|schedule| schedule.spec.clone()).collect(),
        }))
    }

    pub(super) async fn status(&self, id: &StageId) -> Result<Served, LocalError> {
        let Some(process) = EmulatorProcess::find(&self.state).await? else { return Ok(Served::default()) };
        match process.ask(&ControlRequest::Status { function_name: id.function_name() }).await? {
            ControlResponse::Status { status, uptime } => Ok(Served {
                host: Some(Host { pid: process.pid(), uptime_seconds: uptime.as_secs() }),
                status,
                is_current: process.is_current(),
            }),
            other => Err(LocalError::refused(other)),
        }
    }
}
