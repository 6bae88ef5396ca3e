//! A project with an app, an environment made by hand, and settings; and ways to look at what the bundle makes of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use zappa::bundle::{self, Bundle, BundleError, Explanation, Manifest, Part, Place};
use zappa::hint::Hint as _;
use zappa::model::{Architecture, AwsAccess, FrontDoor, GatewaySettings, LambdaSettings, Layout, RoleSettings, Runtime, StageId, Target};
use zappa::observe::{Observer, TaskId};
use zappa::project::{DependencyFile, DependencySource, InstalledPackages, Interpreter, LinkedSource, Project};
use zappa::settings::{AppSetting, Artefacts, Packaging, Settings, ShimSettings};

use crate::support::{TestProject, python};

/// A project with an app, an environment made by hand beside it, and settings: change what a test is about.
pub(super) struct Fixture {
    pub(super) files: TestProject,
    pub(super) settings: Settings,
    pub(super) app: AppSetting,
    pub(super) linked: Vec<LinkedSource>,
    pub(super) list: Option<(&'static str, DependencyFile)>,
    pub(super) python: PathBuf,
    /// Of which minor version it is taken to be.
    pub(super) minor: u8,
    /// Where uv and interpreters are looked for.
    pub(super) tools: PathBuf,
    pub(super) said: Said,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let files = TestProject::new().file("app.py", "from flask import Flask\napp = Flask(__name__)\n");
        fs::create_dir(files.outside().join("site")).unwrap();
        Self {
            files,
            settings: settings(),
            app: AppSetting::Function("app.app".to_owned()),
            linked: Vec::new(),
            list: None,
            python: PathBuf::from("python-is-not-run"),
            minor: 11,
            tools: PathBuf::new(),
            said: Said::default(),
        }
    }

    pub(super) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files.write(path, content);
        self
    }

    pub(super) fn site(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        write(&self.site_packages().join(path), content);
        self
    }

    /// Installs a distribution with one package of its own name: metadata, `RECORD` and all.
    pub(super) fn distribution(self, name: &str, version: &str, requires: &[&str], requested: bool) -> Self {
        let module = name.to_lowercase().replace('-', "_");
        let metadata = format!("{module}-{version}.dist-info");
        let mut headers = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        for requirement in requires {
            writeln!(headers, "Requires-Dist: {requirement}").unwrap();
        }
        let record = format!("{module}/__init__.py,sha256=x,1\n{metadata}/METADATA,,\n{metadata}/RECORD,,\n../../../bin/{module},,\n");
        let fixture = self
            .site(&format!("{module}/__init__.py"), format!("# {name}\n"))
            .site(&format!("{metadata}/METADATA"), headers + "\nRequires-Dist: description-is-no-header\n")
            .site(&format!("{metadata}/RECORD"), record)
            .site(&format!("{metadata}/INSTALLER"), "pip\n");
        if requested { fixture.site(&format!("{metadata}/REQUESTED"), "") } else { fixture }
    }

    pub(super) fn packaging(mut self, change: impl FnOnce(&mut Packaging)) -> Self {
        change(&mut self.settings.packaging);
        self
    }

    pub(super) fn root(&self) -> &Path {
        self.files.root()
    }

    pub(super) fn site_packages(&self) -> PathBuf {
        self.files.outside().join("site")
    }

    pub(super) fn cache(&self) -> PathBuf {
        self.files.outside().join("cache")
    }

    pub(super) fn plan(&self) -> Result<Manifest, BundleError> {
        let options = bundle::PlanOptions { search_path: Some(self.tools.clone().into()), ..Default::default() };
        bundle::plan_with(&self.project(), &self.settings, &self.cache(), &options, &self.said)
    }

    /// Why something is in the bundle or not.
    pub(super) fn explain(&self, asked: &str) -> Result<Explanation, BundleError> {
        bundle::explain(&self.manifest(), &self.project(), &self.settings, asked)
    }

    fn project(&self) -> Project {
        let dependencies = match &self.list {
            None => DependencySource::Environment(InstalledPackages {
                site_packages: vec![self.site_packages()],
                linked: self.linked.clone(),
                source: "`.venv`".to_owned(),
            }),
            Some((name, kind)) => DependencySource::File { path: self.root().join(name), kind: *kind },
        };
        let interpreter =
            Interpreter { runtime: Runtime { minor: self.minor }, version: format!("3.{}.7", self.minor), ..interpreter(&self.python) };
        Project { root: self.root().to_owned(), interpreter, app: self.app.clone(), dependencies }
    }

    /// Writes the archives of `manifest` to a directory of this name.
    pub(super) fn write(&self, manifest: &Manifest, directory: &str) -> Result<Bundle, BundleError> {
        let scratch = self.files.outside().join(directory);
        fs::create_dir_all(&scratch).unwrap();
        let path = scratch.join("app.zip");
        bundle::write(manifest, Place { path: &path, scratch: &scratch, cache: &self.cache() }, &self.said)
    }

    #[track_caller]
    pub(super) fn manifest(&self) -> Manifest {
        self.plan().unwrap_or_else(|error| panic!("{}", text(&error)))
    }

    /// Message, causes and hints of the refusal, with the temporary directory's name taken out.
    #[track_caller]
    pub(super) fn refused(&self) -> String {
        self.shown(&self.plan().map(|manifest| paths(&manifest)).unwrap_err())
    }

    pub(super) fn shown(&self, error: &BundleError) -> String {
        text(error).replace(self.files.outside().canonicalize().unwrap().to_str().unwrap(), "[DIR]")
    }
}

/// Remembers warnings and tasks, and apart from them notes and details.
#[derive(Default)]
pub(super) struct Said(pub(super) Mutex<Vec<String>>, pub(super) Mutex<Vec<String>>);

impl Observer for Said {
    fn begin(&self, task: &str, _total: Option<u64>) -> TaskId {
        self.0.lock().unwrap().push(format!("task: {task}"));
        TaskId(0)
    }
    fn advance(&self, _id: TaskId, _done: u64) {}
    fn end(&self, _id: TaskId, _outcome: Result<&str, ()>) {}
    fn note(&self, message: &str) {
        self.1.lock().unwrap().push(format!("note: {message}"));
    }
    fn warn(&self, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
    fn detail(&self, message: &str) {
        self.1.lock().unwrap().push(format!("detail: {message}"));
    }
}

pub(super) fn settings() -> Settings {
    Settings {
        access: AwsAccess::default(),
        regions: zappa::settings::Regions::One,
        exclude_regions: Vec::new(),
        is_home: true,
        role: RoleSettings { arn: None, name: None, manage: true, assume_policy: None, attach_policy: None, extra_permissions: Vec::new() },
        lambda: LambdaSettings::default(),
        provisioned_concurrency: None,
        log_retention_days: None,
        id: StageId { project: "shop".to_owned(), stage: "prod".to_owned() },
        file: None,
        target: Target::Local,
        app: None,
        runtime: None,
        architecture: Architecture::X86_64,
        memory_size: 512,
        timeout_seconds: 30,
        ephemeral_storage: 512,
        lambda_concurrency: None,
        lambda_description: String::new(),
        environment: BTreeMap::from([("SECRET".to_owned(), "do-not-bundle".to_owned())]),
        front_door: FrontDoor::Rest,
        cors: None,
        gateway: GatewaySettings::default(),
        local_port: None,
        domain: None,
        base_path: None,
        shim: ShimSettings {
            debug: false,
            log_level: "INFO".to_owned(),
            binary_support: true,
            additional_text_mimetypes: vec!["application/x-text".to_owned()],
            context_header_mappings: BTreeMap::new(),
            exception_handler: None,
            allow_raw_invoke: false,
        },
        packaging: Packaging { layout: Layout::Together, use_precompiled_packages: true, ..Packaging::default() },
        schedules: Vec::new(),
        keep_warm: None,
        touch_path: None,
        num_retained_versions: None,
        tags: BTreeMap::new(),
        artefacts: Artefacts::default(),
        values: Vec::new(),
    }
}

pub(super) fn interpreter(executable: &Path) -> Interpreter {
    Interpreter {
        executable: executable.to_owned(),
        base_executable: executable.to_owned(),
        runtime: Runtime { minor: 11 },
        version: "3.11.7".to_owned(),
        cache_tag: "cpython-311".to_owned(),
        platform: "linux-x86_64".to_owned(),
        prefix: PathBuf::from("/nowhere"),
        found_by: "the test".to_owned(),
    }
}

pub(super) fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

pub(super) fn text(error: &BundleError) -> String {
    let mut text = format!("error: {error}\n");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        writeln!(text, "  Caused by: {inner}").unwrap();
        cause = inner.source();
    }
    for hint in error.hints() {
        writeln!(text, "hint: {hint}").unwrap();
    }
    text
}

/// Everything but the shim, one per line.
pub(super) fn paths(manifest: &Manifest) -> String {
    let ours = manifest.entries.iter().filter(|entry| !matches!(entry.part, Part::Shim | Part::Configuration));
    ours.fold(String::new(), |text, entry| text + &format!("{} ({})\n", entry.path, entry.reason))
}

pub(super) fn skipped(manifest: &Manifest) -> String {
    manifest.skipped.iter().fold(String::new(), |text, skipped| text + &format!("{} ({})\n", skipped.path, skipped.reason))
}

pub(super) fn holds(manifest: &Manifest, path: &str) -> bool {
    manifest.entries.iter().any(|entry| entry.path == path)
}

/// Runs Python source with arguments; its standard output.
pub(super) fn run_python(source: &str, arguments: &[&Path]) -> String {
    let output = Command::new(python::interpreter()).arg("-c").arg(source).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
