//! `deploy` and `update`: build, hand over, publish a version, ask it whether it is well, and only then let it serve.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::contents::{Before, Built, ReleaseContents};
use super::gate::Ticket;
use super::plan::{Plan, beyond, wanted};
use super::schedule::warn_of_idle;
use super::{AppOutput, OperationError};
use crate::bundle::{self, Archive, Bundle, Change, Listing, Place};
use crate::cloud::{ArchiveSpec, Cloud, CloudError, CodeRef, CodeSpec, Deployment, Invocation, Release, Route, StageSpec};
use crate::model::{FrontDoor, Outcome, StageId, Version};
use crate::observe::{Observer, Task};
use crate::project::{DependencySource, Project};
use crate::settings::Settings;

/// What to deploy, and how.
#[derive(Debug, Clone, Copy)]
pub struct DeployRequest<'a> {
    /// The stage.
    pub settings: &'a Settings,
    /// The project.
    pub project: &'a Project,
    /// Where installed dependencies are kept.
    pub cache: &'a Path,
    /// Where the archives are built; emptied by the caller.
    pub scratch: &'a Path,
    /// Refuse a stage that is not there (`update`).
    pub only_update: bool,
    /// Ask the new version before it serves.
    pub check: bool,
    /// Wait for another run on the stage.
    pub wait: bool,
    /// Where versions wait for those of other regions before they serve.
    pub ticket: Option<&'a Ticket<'a>>,
}

/// How a deployment ended.
#[derive(Debug, Serialize)]
pub struct DeployReport {
    /// The function.
    pub function_name: String,
    /// What serves now.
    pub version: Version,
    /// What served before, where that is another version.
    pub previous: Option<Version>,
    /// Where it answers.
    pub url: String,
    /// Which front door that is.
    pub front_door: FrontDoor,
    /// Whether `live` was made or moved.
    pub live: Outcome,
    /// Whether a version was made.
    pub release: Outcome,
    /// Whether the front door was made or changed.
    pub route: Outcome,
    /// Whether schedules were made or changed.
    pub schedules: Outcome,
    /// The archives.
    pub bundle: Bundle,
    /// What is in them.
    #[serde(flatten)]
    pub contents: ReleaseContents,
    /// Old versions that were removed.
    pub pruned: Vec<Version>,
    /// What the health check measured, where there was one.
    pub first_request: Option<FirstRequest>,
}

/// What the health check measured.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct FirstRequest {
    /// Status of the answer to `touch_path`.
    pub status: u16,
    /// Start of the sandbox, import of the app and first answer, in milliseconds.
    pub cold_ms: f64,
    /// The same request once more, in milliseconds, where it was made.
    pub warm_ms: Option<f64>,
}

/// What a deployment would do, and with what.
#[derive(Debug, Serialize)]
pub struct Planned {
    /// The steps.
    #[serde(flatten)]
    pub plan: Plan,
    /// What would be released.
    #[serde(skip)]
    pub bundle: Bundle,
    /// In what it differs from what is live; `None`: there is nothing, or it was built elsewhere.
    pub change: Option<Change>,
}

/// What a deployment would do; only reads from the target.
pub async fn plan(cloud: &dyn Cloud, request: &DeployRequest<'_>, observer: &dyn Observer) -> Result<Planned, OperationError> {
    let spec = specification(request);
    let (Built { bundle, listing }, current) = beside_build(request, observer, async { existing(cloud, request).await })?;
    let plan = Plan::new(current.as_ref(), &spec, &code_of(&bundle, request, &spec)?, request.settings.num_retained_versions);
    let change = Before::of(request, current.as_ref(), &listing).change(&listing);
    Ok(Planned { plan, bundle, change })
}

/// Makes the stage what the settings say. Killed at any point, the next run finishes; failing at any point, the old version goes on serving.
pub async fn deploy(cloud: &dyn Cloud, request: &DeployRequest<'_>, observer: &dyn Observer) -> Result<DeployReport, OperationError> {
    let spec = specification(request);
    let look = async {
        let current = existing(cloud, request).await?;
        prepare(cloud, request, &spec, current.as_ref(), observer).await?;
        Ok(current)
    };
    let (built, current) = beside_build(request, observer, look)?;
    release(cloud, request, &built, current, observer).await
}

/// Makes whatever a new stage needs beside its bundle, which is being built meanwhile.
pub(super) async fn prepare(
    cloud: &dyn Cloud,
    request: &DeployRequest<'_>,
    spec: &StageSpec,
    current: Option<&Deployment>,
    observer: &dyn Observer,
) -> Result<(), OperationError> {
    // Of a stage that is there, only what differs is touched, and only under the lock.
    if current.is_none() {
        cloud.ensure_prerequisites(&request.settings.id, spec, observer).await?;
    }
    Ok(())
}

/// Brings what was built to a stage that was found like this.
pub(super) async fn release(
    cloud: &dyn Cloud,
    request: &DeployRequest<'_>,
    built: &Built,
    current: Option<Deployment>,
    observer: &dyn Observer,
) -> Result<DeployReport, OperationError> {
    let id = &request.settings.id;
    let spec = specification(request);
    let Built { bundle, listing } = built;
    let code = code_of(bundle, request, &spec)?;
    let plan = Plan::new(current.as_ref(), &spec, &code, request.settings.num_retained_versions);
    // Numbers of versions differ between regions: what is remembered is what home has.
    let before = request.settings.is_home.then(|| Before::of(request, current.as_ref(), listing));
    let with_contents = |mut report: DeployReport| {
        report.contents = before.map(|before| before.compare(report.version, listing, observer)).unwrap_or_default();
        report
    };
    if let Some(current) = current.filter(|_| plan.is_nothing()) {
        return unchanged(current, bundle.clone()).map(with_contents);
    }
    loop {
        let lock = cloud.lock(id, request.wait, observer).await?;
        let deployed = under_lock(cloud, request, &spec, &code, observer).await;
        let released = lock.release(deployed.is_ok()).await;
        match deployed {
            // Of two first deployments only one can make the stage, and nobody holds what is not there yet: the other waits for it now.
            Err(OperationError::Cloud(CloudError::Changed { .. })) if request.wait => released?,
            Err(error) => return Err(error),
            Ok(deployed) => return released.map(|()| with_contents(deployed.report(id, bundle.clone()))).map_err(OperationError::from),
        }
    }
}

/// What was done under the lock.
struct Deployed {
    version: Version,
    previous: Option<Version>,
    release: Outcome,
    route: (Outcome, Route),
    schedules: Outcome,
    pruned: Vec<Version>,
    first_request: Option<FirstRequest>,
}

async fn under_lock(
    cloud: &dyn Cloud,
    request: &DeployRequest<'_>,
    spec: &StageSpec,
    code: &CodeSpec,
    observer: &dyn Observer,
) -> Result<Deployed, OperationError> {
    let id = &request.settings.id;
    let keep = request.settings.num_retained_versions;
    // Found again: what was there before the lock was taken may be another run's work in the making.
    let current = existing(cloud, request).await?;
    let plan = Plan::new(current.as_ref(), spec, code, keep);
    let (previous, route_before, mut releases) =
        current.map_or((None, None, Vec::new()), |current| (current.live, current.route, current.releases));
    cloud.ensure_prerequisites(id, spec, observer).await?;

    let task = Task::begin(observer, "release", None);
    let code = cloud.put_code(id, code, observer).await?;
    let (release, version) = cloud.ensure_version(id, &spec.function, &code, observer).await?;
    task.done(&format!("version {version}, {release}"));

    // A version that serves already has been asked before.
    let first_request = match &request.settings.touch_path {
        Some(path) if request.check && previous != Some(version) => {
            let task = Task::begin(observer, "health check", None);
            let measured = check(cloud, request, version, path, previous).await?;
            task.done(&format!("GET {path} answered {}", measured.status));
            Some(measured)
        }
        _ => None,
    };

    if !releases.iter().any(|known| known.version == version) {
        let CodeRef { code_sha256, code_size, location: _, dependencies } = code;
        let dependencies_sha256 = dependencies.map(|dependencies| dependencies.sha256);
        releases.push(Release { version, code_sha256, code_size, dependencies_sha256, created: String::new() });
    }
    if let Some(ticket) = request.ticket
        && !ticket.pass().await
    {
        return Err(OperationError::HeldBack { version, live: previous });
    }
    let excess = keep.map_or_else(Vec::new, |keep| beyond(&releases, keep, version));
    let settled = route_before.filter(|_| !plan.goes_on() && excess.is_empty());
    cloud.move_live(id, version, settled.is_some()).await?;
    let (route, schedules, pruned) = match settled {
        Some(route) => ((Outcome::Unchanged, route), Outcome::Unchanged, Vec::new()),
        None => surround(cloud, request, spec, &excess, observer).await?,
    };
    Ok(Deployed { version, previous, release, route, schedules, pruned, first_request })
}

/// Everything around the version that is live now. What does not depend on each other goes on at the same time, and ends before a failure is told.
async fn surround(
    cloud: &dyn Cloud,
    request: &DeployRequest<'_>,
    spec: &StageSpec,
    excess: &[Version],
    observer: &dyn Observer,
) -> Result<((Outcome, Route), Outcome, Vec<Version>), OperationError> {
    let id = &request.settings.id;
    warn_of_idle(&spec.schedules, jiff::Timestamp::now(), observer);
    let route = async {
        let task = Task::begin(observer, "route", None);
        let (outcome, route) = cloud.ensure_route(id, &spec.route, observer).await?;
        task.done(&format!("{}, {outcome}", route.front_door));
        Ok::<_, CloudError>((outcome, route))
    };
    let (surroundings, route, schedules) =
        tokio::join!(cloud.ensure_surroundings(id, &spec.surroundings), route, cloud.sync_schedules(id, &spec.schedules));
    let (route, schedules) = (route?, schedules?);
    surroundings?;
    for gone in cloud.remove_stale(id, &spec.route, observer).await? {
        observer.note(&format!("removed {gone}"));
    }
    let pruned = cloud.remove_versions(id, excess).await?;
    Ok((route, schedules, pruned))
}

impl Deployed {
    fn report(self, id: &StageId, bundle: Bundle) -> DeployReport {
        let Self { version, previous, release, route: (route_outcome, route), schedules, pruned, first_request } = self;
        DeployReport {
            function_name: id.function_name(),
            version,
            previous: previous.filter(|previous| *previous != version),
            live: match previous {
                None => Outcome::Created,
                Some(previous) if previous == version => Outcome::Unchanged,
                Some(_) => Outcome::Updated,
            },
            url: route.url,
            front_door: route.front_door,
            release,
            route: route_outcome,
            schedules,
            bundle,
            contents: ReleaseContents::default(),
            pruned,
            first_request,
        }
    }
}

/// The report of a deployment that had nothing to do.
fn unchanged(current: Deployment, bundle: Bundle) -> Result<DeployReport, OperationError> {
    let function = current.function_name;
    let Some((version, route)) = current.live.zip(current.route) else { return Err(OperationError::NothingLive { function }) };
    Ok(DeployReport {
        function_name: function,
        version,
        previous: None,
        live: Outcome::Unchanged,
        url: route.url,
        front_door: route.front_door,
        release: Outcome::Unchanged,
        route: Outcome::Unchanged,
        schedules: Outcome::Unchanged,
        bundle,
        contents: ReleaseContents::default(),
        pruned: Vec::new(),
        first_request: None,
    })
}

/// Builds the archives in the request's scratch directory, on a thread of its own; `work` goes on beside it.
fn beside_build<T>(
    request: &DeployRequest<'_>,
    observer: &dyn Observer,
    work: impl Future<Output = Result<T, OperationError>>,
) -> Result<(Built, T), OperationError> {
    // What is wrong with the project says more than what is wrong with the target.
    let (built, done) = beside(|| build(request, observer), work);
    Ok((built?, done?))
}

/// Builds the archives in the request's scratch directory.
pub(super) fn build(request: &DeployRequest<'_>, observer: &dyn Observer) -> Result<Built, OperationError> {
    let manifest = bundle::plan(request.project, request.settings, request.cache, observer)?;
    let path = request.scratch.join("app.zip");
    let bundle = bundle::write(&manifest, Place { path: &path, scratch: request.scratch, cache: request.cache }, observer)?;
    let listing = Listing::read(&manifest, &bundle)?;
    Ok(Built { bundle, listing })
}

/// Runs `build` on a thread of its own, `work` on this one.
pub(super) fn beside<B: Send, T>(build: impl FnOnce() -> B + Send, work: impl Future<Output = T>) -> (B, T) {
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            let building = scope.spawn(build);
            let done = tokio::runtime::Handle::current().block_on(work);
            let built = building.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (built, done)
        })
    })
}

pub(super) fn specification(request: &DeployRequest<'_>) -> StageSpec {
    wanted(request.settings, request.project.interpreter.runtime)
}

pub(super) fn code_of(bundle: &Bundle, request: &DeployRequest<'_>, spec: &StageSpec) -> Result<CodeSpec, OperationError> {
    let app = bundle.app().ok_or(OperationError::Bundle(bundle::BundleError::Empty))?;
    let archive = |archive: &Archive| ArchiveSpec { path: archive.path.clone(), sha256: archive.code_sha256.clone(), size: archive.size };
    Ok(CodeSpec {
        app: archive(app),
        dependencies: bundle.dependencies().map(archive),
        layout: request.settings.packaging.layout,
        runtime: spec.function.runtime,
        architecture: spec.function.architecture,
    })
}

/// What there is of the stage.
pub(super) async fn existing(cloud: &dyn Cloud, request: &DeployRequest<'_>) -> Result<Option<Deployment>, OperationError> {
    let current = cloud.find(&request.settings.id).await?;
    if request.only_update && current.is_none() {
        return Err(CloudError::NotDeployed { function: request.settings.id.function_name() }.into());
    }
    Ok(current)
}

/// The shim's answer to a check (see `shim/zappa/handler.py`).
#[derive(Debug, Deserialize)]
struct Checked {
    status: Option<u16>,
    error: Option<Raised>,
    #[serde(default)]
    body: Option<String>,
}

/// What the app raised.
#[derive(Debug, Deserialize)]
struct Raised {
    #[serde(rename = "type")]
    kind: String,
    message: String,
    #[serde(default)]
    trace: Vec<String>,
}

/// What Lambda says of a function that failed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FunctionFailure {
    error_type: String,
    error_message: String,
    stack_trace: Vec<String>,
}

/// Asks exactly this version for `path`: the first call starts a sandbox. Where calls are free, a second one finds it warm.
async fn check(
    cloud: &dyn Cloud,
    request: &DeployRequest<'_>,
    version: Version,
    path: &str,
    live: Option<Version>,
) -> Result<FirstRequest, OperationError> {
    let settings = request.settings;
    let mut event = json!({ "zappa": "check", "path": path, "front_door": settings.front_door });
    if let Some(domain) = &settings.domain {
        event["host"] = json!(domain.name);
    }
    let payload = Bytes::from(event.to_string());
    let first = cloud.invoke(&settings.id, Some(version), payload.clone(), None).await?;
    let status = judge(&first).map_err(|(reason, said)| {
        let said = (!said.is_empty()).then(|| AppOutput(said.join("\n")));
        let missing = missing_module(&reason, request);
        OperationError::Unhealthy { version, reason, said, live, missing }
    })?;
    let second = match cloud.calls_are_free() {
        true => Some(cloud.invoke(&settings.id, Some(version), payload, None).await?),
        false => None,
    };
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1000.0;
    Ok(FirstRequest {
        status,
        cold_ms: milliseconds(first.init_duration.unwrap_or_default() + first.duration.unwrap_or_default()),
        warm_ms: second.filter(|second| second.init_duration.is_none()).and_then(|second| second.duration).map(milliseconds),
    })
}

/// The status of a healthy answer (below 500), or what is wrong and what the app said.
fn judge(answer: &Invocation) -> Result<u16, (String, Vec<String>)> {
    if answer.function_error.is_some() {
        let failure: FunctionFailure = serde_json::from_slice(&answer.payload).unwrap_or_default();
        let reason = format!("{}: {}", failure.error_type, failure.error_message);
        return Err((reason, details(&of_the_app(failure.stack_trace), &answer.log_tail)));
    }
    let checked: Checked = match serde_json::from_slice(&answer.payload) {
        Ok(checked) => checked,
        Err(error) => {
            return Err((format!("the check was answered by something else than the shim: {error}"), details(&[], &answer.log_tail)));
        }
    };
    match (checked.error, checked.status) {
        (Some(error), _) => Err((format!("the app raised {}: {}", error.kind, error.message), details(&error.trace, &answer.log_tail))),
        (None, Some(status)) if status < 500 => Ok(status),
        (None, Some(status)) => {
            let mut told = details(&[], &answer.log_tail);
            told.extend(checked.body.filter(|_| told.is_empty()));
            Err((format!("it answered {status}"), told))
        }
        (None, None) => Err(("it did not answer the request".to_owned(), details(&[], &answer.log_tail))),
    }
}

/// The frames that are not the import system's or the shim's: what is left begins in the app. All of them where nothing would be left.
fn of_the_app(trace: Vec<String>) -> Vec<String> {
    let shim: Vec<String> = bundle::SHIM_FILES.iter().map(|(name, _)| format!("/zappa/{name}\", line ")).collect();
    let foreign = |frame: &String| {
        let place = frame.lines().next().unwrap_or_default().replace('\\', "/");
        ["<frozen importlib.", "/importlib/__init__.py\", line "].iter().any(|part| place.contains(part))
            || shim.iter().any(|path| place.contains(path))
    };
    if trace.iter().all(foreign) { trace } else { trace.into_iter().filter(|frame| !foreign(frame)).collect() }
}

/// What can be said of a module that the app did not find: why it is not in the bundle.
fn missing_module(reason: &str, request: &DeployRequest<'_>) -> Option<String> {
    let (_, rest) = reason.split_once("No module named '")?;
    let module = rest.split(['\'', '.']).next()?;
    let root = &request.project.root;
    if root.join(module).exists() || root.join(module).with_added_extension("py").exists() {
        return None;
    }
    if request.settings.packaging.exclude.iter().any(|pattern| pattern == module) {
        return Some(format!("`exclude` leaves `{module}` out of the bundle"));
    }
    let packages = match &request.project.dependencies {
        DependencySource::Environment(installed) => format!("the ones installed in {}", installed.source),
        DependencySource::File { path, .. } => format!("the ones that `{}` lists", path.strip_prefix(root).unwrap_or(path).display()),
    };
    Some(format!("`{module}` is not in the bundle, whose packages are {packages}"))
}

/// The traceback if there is one, else what the app wrote to the log.
fn details(trace: &[String], log: &str) -> Vec<String> {
    if !trace.is_empty() {
        return trace.iter().flat_map(|entry| entry.lines()).map(str::to_owned).collect();
    }
    const PLATFORM: [&str; 4] = ["START RequestId:", "END RequestId:", "REPORT RequestId:", "INIT_START"];
    // A log line may carry several, separated by carriage returns: one event, as CloudWatch counts.
    log.split(['\n', '\r'])
        .map(str::trim_end)
        .filter(|line| !line.is_empty() && !PLATFORM.iter().any(|word| line.contains(word)))
        .map(str::to_owned)
        .collect()
}
