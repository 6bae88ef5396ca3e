//! From what holds to what it means: typed values, and the checks that look at several keys at once.
//!
//! Runs for every stage of the file, so that a mistake shows whichever stage was asked for; the settings of the others are thrown away.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::cors::cors;
use super::domain::domain;
use super::error::Problem;
use super::gateway::{Around, gateway};
use super::lambda::{Fixed, lambda, log_retention_days, provisioned_concurrency};
use super::precedence::Effective;
use super::remaining::{Remaining, number, texts, texts_by_name};
use super::role::role;
use super::schedules::schedules;
use super::schema::{self, Support};
use super::tree::{self, Node};
use super::written::Given;
use super::{AppSetting, Artefacts, Origin, Packaging, Regions, ResolvedValue, Settings, ShimSettings, Slim};
use crate::env;
use crate::model::{Architecture, AwsAccess, FrontDoor, Layout, MAX_FUNCTION_NAME, StageId, Target};

/// What Lambda takes for all names and values of environment variables together.
const MAX_ENVIRONMENT: usize = 4096;

/// Keys of AWS that are checked as they stand and that nothing reads yet.
const UNREAD: [&str; 1] = ["alb_vpc_config"];

/// The stage that is being resolved.
pub(super) struct Stage<'a> {
    pub(super) name: &'a str,
    /// Its table, for what is wrong with the stage as a whole.
    pub(super) origin: &'a Origin,
    pub(super) file: Option<PathBuf>,
    /// Where files are that the settings name.
    pub(super) directory: &'a Path,
}

/// What is wrong with a stage.
#[derive(Default)]
pub(super) struct Wrong {
    /// Wherever it lives.
    pub(super) everywhere: Vec<Problem>,
    /// On AWS: what AWS does not take, or this tool does not do there yet. Only stages that live there have it.
    pub(super) on_aws: Vec<Problem>,
}

/// The settings of a stage; if anything is wrong with it, they are good for nothing.
pub(super) fn resolve(stage: Stage<'_>, effective: Effective, wrong: &mut Wrong) -> Settings {
    let Stage { name, origin, file, directory } = stage;
    let values = listed(&effective);
    let mut rest = Remaining::new(effective);
    let target = if rest.text("target").as_deref() == Some("local") { Target::Local } else { Target::Aws };
    let mut without_effect = Vec::new();
    let Wrong { everywhere: problems, on_aws } = wrong;
    let on_aws = if target == Target::Aws { on_aws } else { &mut without_effect };
    let id = StageId { project: rest.text("project_name").unwrap_or_default(), stage: name.to_owned() };
    check_name(&id, origin, problems);
    let front_door = front_door(&mut rest, problems, on_aws);
    let runtime = rest.text("runtime").and_then(|text| schema::runtime(&text).ok());
    let ephemeral_storage = rest.take("ephemeral_storage").get("Size").and_then(number).unwrap_or_default();
    let lambda_concurrency = rest.number("lambda_concurrency");
    let layout = match (rest.truth("slim_handler"), rest.truth("dependencies_layer")) {
        (true, _) => Layout::Fetched,
        (false, true) => Layout::Layer,
        (false, false) => Layout::Together,
    };
    let lambda = lambda(&mut rest, &Fixed { runtime, storage: ephemeral_storage, layout }, on_aws);
    let url = rest.given("function_url_config");
    let around = Around { door: front_door, url: &url, directory, tracing: lambda.tracing };
    let (region, regions, exclude_regions) = regions(&mut rest, on_aws);
    let gateway = gateway(&mut rest, &around, on_aws);
    let base_path = rest.text("base_path").map(|path| path.trim_matches('/').to_owned()).filter(|path| !path.is_empty());
    let domain = domain(&mut rest, base_path.as_deref(), gateway.endpoint, directory, on_aws);
    let events = rest.given("events");
    refuse_beyond_rules(&events, on_aws);
    let settings = Settings {
        file,
        target,
        app: app(&mut rest, problems),
        runtime,
        access: AwsAccess { profile: rest.text("profile_name"), region, endpoint_urls: rest.map("aws_endpoint_urls") },
        regions,
        exclude_regions,
        is_home: true,
        role: role(&mut rest, directory, on_aws),
        provisioned_concurrency: provisioned_concurrency(
            &rest.given("provisioned_concurrency"),
            lambda_concurrency,
            lambda.snap_start,
            on_aws,
        ),
        log_retention_days: log_retention_days(&mut rest),
        lambda,
        architecture: if rest.text("architecture").as_deref() == Some("arm64") { Architecture::Arm64 } else { Architecture::X86_64 },
        memory_size: rest.number("memory_size").unwrap_or_default(),
        timeout_seconds: rest.number("timeout_seconds").unwrap_or_default(),
        ephemeral_storage,
        lambda_concurrency,
        lambda_description: rest.text("lambda_description").unwrap_or_default(),
        environment: environment(&mut rest, if layout == Layout::Fetched { location_size(&id) } else { 0 }, problems),
        front_door,
        cors: cors(front_door, &rest.given("cors"), &url, problems),
        gateway,
        local_port: rest.number("local_port").and_then(|port| u16::try_from(port).ok()),
        domain,
        base_path,
        shim: shim(&mut rest, problems),
        packaging: Packaging {
            exclude: rest.texts("exclude"),
            exclude_glob: rest.texts("exclude_glob"),
            include: rest.texts("include"),
            use_runtime_boto3: rest.truth("use_runtime_boto3"),
            use_precompiled_packages: rest.truth("use_precompiled_packages"),
            slim: slim(&mut rest),
            layout,
        },
        schedules: schedules(&events, problems),
        keep_warm: keep_warm(&mut rest),
        touch_path: touch_path(&mut rest, problems),
        num_retained_versions: rest.number("num_retained_versions"),
        tags: rest.map("tags"),
        artefacts: Artefacts { s3_bucket: rest.text("s3_bucket"), delete_s3_zip: rest.truth("delete_s3_zip") },
        values,
        id,
    };
    for key in ["extends"].into_iter().chain(UNREAD) {
        rest.take(key);
    }
    debug_assert_eq!(rest.forgotten(), Vec::<&str>::new(), "keys that claim to have an effect and are read by nobody");
    settings
}

fn listed(effective: &Effective) -> Vec<ResolvedValue> {
    let listed = schema::keys().filter(|key| !matches!(key.support, Support::Alias(_)));
    listed
        .filter_map(|key| {
            let given = effective.get(key.name)?;
            let value = match given.node.to_json() {
                // The only key that takes null takes it for "all".
                serde_json::Value::Null if key.nullable => "all".into(),
                value => value,
            };
            Some(ResolvedValue { key: key.name, value, origin: given.origin.clone() })
        })
        .collect()
}

/// Home, the regions, and those that are left out.
fn regions(rest: &mut Remaining, on_aws: &mut Vec<Problem>) -> (Option<String>, Regions, Vec<String>) {
    let home = rest.text("aws_region");
    let excluded = rest.texts("exclude_regions");
    let given = rest.given("aws_regions");
    if given.node.as_text().is_some() {
        return (home, Regions::All, excluded);
    }
    let written = texts(&given.node);
    let mut regions: Vec<String> = Vec::new();
    for region in &written {
        if !excluded.contains(region) && !regions.contains(region) {
            regions.push(region.clone());
        }
    }
    if regions.is_empty() && !written.is_empty() {
        on_aws.push(Problem::new(&given.origin, "`exclude_regions` leaves none of `aws_regions`"));
    }
    if let Some(index) = home.as_ref().and_then(|home| regions.iter().position(|region| region == home)) {
        let first = regions.remove(index);
        regions.insert(0, first);
    }
    match regions.as_slice() {
        [] => (home, Regions::One, excluded),
        [only] => (Some(only.clone()), Regions::One, excluded),
        [first, ..] => (Some(first.clone()), Regions::Several(regions), excluded),
    }
}

fn check_name(id: &StageId, origin: &Origin, problems: &mut Vec<Problem>) {
    let name = id.function_name();
    if name.len() > MAX_FUNCTION_NAME {
        let length = name.len();
        problems.push(Problem::new(
            origin,
            format!(
                "the function would be named `{name}`: {length} characters, and Lambda takes {MAX_FUNCTION_NAME}; shorten `project_name`"
            ),
        ));
    }
}

fn slim(rest: &mut Remaining) -> Slim {
    match rest.text("slim").as_deref() {
        Some("none") => Slim::None,
        Some("max") => Slim::Max,
        _ => Slim::Safe,
    }
}

fn app(rest: &mut Remaining, problems: &mut Vec<Problem>) -> Option<AppSetting> {
    let function = rest.text("app_function");
    let django = rest.given("django_settings");
    match (function, django.node.as_text().filter(|text| !text.is_empty())) {
        (Some(_), Some(_)) => {
            problems
                .push(Problem::new(&django.origin, "`django_settings` and `app_function` are both set; keep the one that is to be served"));
            None
        }
        (Some(function), None) => Some(AppSetting::Function(function)),
        (None, Some(module)) => Some(AppSetting::Django(module.to_owned())),
        (None, None) => None,
    }
}

/// How many bytes the variable takes at most that tells a function where its dependencies are: `s3://BUCKET/zappa-dependencies/FUNCTION/HASH.zip#sha256=HASH`.
fn location_size(id: &StageId) -> usize {
    const BUCKET: usize = 63;
    const HASH: usize = 64;
    let fixed = ["s3:///zappa-dependencies//.zip#sha256=", env::DEPENDENCIES].iter().map(|text| text.len()).sum::<usize>();
    // A project without a name has its directory's, which is not known here.
    let function = if id.project.is_empty() { MAX_FUNCTION_NAME } else { id.function_name().len() };
    fixed + BUCKET + function + 2 * HASH
}

/// `ours`: what the function's environment holds beside what the settings say.
fn environment(rest: &mut Remaining, ours: usize, problems: &mut Vec<Problem>) -> BTreeMap<String, String> {
    let mut variables = rest.map("aws_environment_variables");
    let own = rest.given("environment_variables");
    // zappa/Zappa's shim sets the latter in the running process, over the function's own.
    variables.extend(texts_by_name(&own.node));
    let size = ours + variables.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    if size > MAX_ENVIRONMENT {
        let ours =
            if ours > 0 { format!(" (up to {ours} of them tell it where its dependencies are, `slim_handler`)") } else { String::new() };
        problems.push(Problem::new(
            &own.origin,
            format!("the environment variables take {size} bytes, names included{ours}, and Lambda takes {MAX_ENVIRONMENT}"),
        ));
    }
    variables
}

/// The one front door that is asked for; the REST API where none is.
fn front_door(rest: &mut Remaining, problems: &mut Vec<Problem>, on_aws: &mut Vec<Problem>) -> FrontDoor {
    let enabled = rest.given("apigateway_enabled");
    let version = rest.given("apigateway_version");
    let url = rest.given("function_url_enabled");
    let balancer = rest.given("alb_enabled");
    let on = |given: &Given| given.node.value == tree::Value::Bool(true);
    let gateway = if version.node.as_text() == Some("v2") { FrontDoor::Http } else { FrontDoor::Rest };
    let mut chosen = Vec::new();
    if on(&enabled) {
        if enabled.origin != Origin::Default {
            chosen.push(("apigateway_enabled", gateway, &enabled));
        } else if version.origin != Origin::Default {
            chosen.push(("apigateway_version", gateway, &version));
        }
    }
    if on(&url) {
        chosen.push(("function_url_enabled", FrontDoor::FunctionUrl, &url));
    }
    if on(&balancer) {
        chosen.push(("alb_enabled", FrontDoor::Alb, &balancer));
        on_aws.push(Problem::new(&balancer.origin, "`alb_enabled` is not supported on AWS yet; the local target has it"));
    }
    match chosen.as_slice() {
        [] if on(&enabled) => gateway,
        [] => {
            let message = "a function without a front door is not supported yet; set `function_url_enabled` or `alb_enabled`, or remove \
                           `apigateway_enabled`";
            problems.push(Problem::new(&enabled.origin, message));
            gateway
        }
        [(_, door, _)] => *door,
        [(first, door, _), .., (last, _, given)] => {
            problems.push(Problem::new(&given.origin, format!("`{first}` and `{last}` ask for two front doors; a stage has one")));
            *door
        }
    }
}

fn shim(rest: &mut Remaining, problems: &mut Vec<Problem>) -> ShimSettings {
    let text_types = rest.given("additional_text_mimetypes");
    let binary_support = rest.truth("binary_support");
    if !binary_support && !text_types.node.items().is_empty() {
        problems.push(Problem::new(&text_types.origin, "`additional_text_mimetypes` needs `binary_support`, which is off"));
    }
    ShimSettings {
        debug: rest.truth("debug"),
        log_level: rest.text("log_level").unwrap_or_default(),
        binary_support,
        additional_text_mimetypes: texts(&text_types.node),
        context_header_mappings: rest.map("context_header_mappings"),
        exception_handler: rest.text("exception_handler"),
        allow_raw_invoke: rest.truth("allow_raw_invoke"),
    }
}

/// Rules of EventBridge repeat, and have room for so much.
fn refuse_beyond_rules(events: &Given, on_aws: &mut Vec<Problem>) {
    // `InputTemplate` of its API takes 8192 characters, `Description` 512; the rest is ours.
    const KWARGS: usize = 7000;
    const DESCRIPTION: usize = 250;
    for event in events.node.items() {
        let mut refuse = |message: String| on_aws.push(Problem::new(&events.origin.at_line(event.line), message));
        let kwargs = event.get("kwargs").map(|kwargs| kwargs.to_json().to_string()).unwrap_or_default();
        if kwargs.contains(['<', '>']) {
            refuse("`kwargs` of events on AWS cannot hold `<` and `>`, which EventBridge takes for marks of its own".to_owned());
        }
        if kwargs.len() > KWARGS {
            refuse(format!("`kwargs` of events on AWS have room for {KWARGS} bytes of JSON, and these have {}", kwargs.len()));
        }
        let length = event.get("description").and_then(Node::as_text).map_or(0, |text| text.chars().count());
        if length > DESCRIPTION {
            refuse(format!("`description` of events on AWS has room for {DESCRIPTION} characters, and this one has {length}"));
        }
        let several = event.get("expressions").map(texts).unwrap_or_default();
        let single = event.get("expression").and_then(Node::as_text);
        for expression in several.iter().map(String::as_str).chain(single).filter(|expression| expression.starts_with("at(")) {
            refuse(format!("`{expression}` is not supported on AWS yet, which has `rate(...)` and `cron(...)`; the local target has it"));
        }
    }
}

fn keep_warm(rest: &mut Remaining) -> Option<String> {
    let expression = rest.text("keep_warm_expression");
    if rest.truth("keep_warm") { expression } else { None }
}

fn touch_path(rest: &mut Remaining, problems: &mut Vec<Problem>) -> Option<String> {
    let touch = rest.given("touch");
    let path = rest.given("touch_path");
    let separate = path.node.as_text().unwrap_or("/");
    match &touch.node.value {
        tree::Value::Bool(false) => None,
        tree::Value::Text(own) => {
            if path.origin != Origin::Default && own != separate {
                problems.push(Problem::new(&path.origin, "`touch` and `touch_path` name different paths; keep one"));
            }
            Some(own.clone())
        }
        _ => Some(separate.to_owned()),
    }
}
