//! Why a bundle could not be made, and what to do about it.

use std::io;
use std::path::PathBuf;

use super::MAX_UNPACKED;
use super::weight::Heaviest;
use crate::hint::Hint;
use crate::model::{Architecture, Runtime, size};

/// The most that Lambda has of `/tmp` (API reference, `EphemeralStorage`).
const MAX_STORAGE_MB: u64 = 10_240;

/// Why a bundle could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// No archive holds code.
    #[error("the bundle holds no code")]
    Empty,
    /// A pattern of the settings is none.
    #[error("`{key}` holds `{pattern}`, which is not a pattern")]
    Pattern {
        /// `exclude`, `exclude_glob` or `include`.
        key: &'static str,
        /// As written.
        pattern: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// A `.zappaignore` could not be understood.
    #[error("could not understand `{path}`")]
    IgnoreFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ignore::Error,
    },
    /// A file or directory could not be looked at.
    #[error("could not read `{path}`")]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file was written to while it was being packed.
    #[error("`{path}` changed while it was read")]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A symbolic link leads back to a directory that it is in.
    #[error("the symbolic link `{path}` leads back to `{target}`, a directory that it is in")]
    Loop {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// A symbolic link leads nowhere.
    #[error("the symbolic link `{path}` leads to `{target}`, which does not exist")]
    Dangling {
        /// The link.
        path: PathBuf,
        /// Where it should lead.
        target: PathBuf,
    },
    /// A socket, pipe or device.
    #[error("`{path}` is {kind}: it cannot be deployed")]
    Special {
        /// The file.
        path: PathBuf,
        /// "a socket", "a named pipe", "a device".
        kind: &'static str,
    },
    /// A name that is not UTF-8, which no archive can hold so that all readers agree.
    #[error("the name of `{}` is not valid UTF-8", path.display())]
    NotUnicode {
        /// The file or directory.
        path: PathBuf,
    },
    /// Two names that are one to Windows and macOS.
    #[error("`{first}` and `{second}` differ only in upper and lower case")]
    CaseCollision {
        /// Path in the bundle.
        first: String,
        /// Path in the bundle.
        second: String,
    },
    /// One path would be a file and a directory.
    #[error("`{path}` would be a file and a directory in the bundle")]
    FileAndDirectory {
        /// Path in the bundle.
        path: String,
    },
    /// The project's own package has the shim's name.
    #[error("`{path}` of the project would hide the package `zappa` of the bundle, which holds the handler")]
    HidesShim {
        /// Path in the project.
        path: String,
    },
    /// The app's module is not among the files.
    #[error("the bundle does not hold the module `{module}` of the app `{app}` (looked for {looked})")]
    AppMissing {
        /// Dotted.
        module: String,
        /// As in the settings.
        app: String,
        /// The paths that would have done.
        looked: String,
        /// What is known about it, as a hint.
        hint: String,
    },
    /// An app setting that names no module.
    #[error("`{app}` does not name an app: `module:callable` or `module.callable`")]
    AppName {
        /// As in the settings.
        app: String,
    },
    /// Nothing goes by this name.
    #[error("`{asked}` is neither a file of the project or its dependencies nor an installed distribution")]
    Unknown {
        /// As asked.
        asked: String,
    },
    /// More than Lambda unpacks.
    #[error("the bundle would be {} unpacked, and Lambda takes at most {} (250 MiB)", size(*bytes), size(MAX_UNPACKED))]
    TooLarge {
        /// Uncompressed bytes.
        bytes: u64,
        /// How many there are beside dependencies, if these could be fetched by the function and then it would be few enough.
        without_dependencies: Option<u64>,
        /// What weighs most.
        #[source]
        heaviest: Heaviest,
    },
    /// Dependencies that the function has no room for.
    #[error("the dependencies need {needed_mb} MB of `/tmp` to be fetched to, and the function has {storage_mb} MB (`ephemeral_storage`)")]
    TooLargeToFetch {
        /// What it has.
        storage_mb: u32,
        /// What it takes, while they are unpacked.
        needed_mb: u64,
        /// What weighs most.
        #[source]
        heaviest: Heaviest,
    },
    /// The configuration could not be put as JSON.
    #[error("could not write the configuration of the bundle")]
    Configuration(#[source] serde_json::Error),
    /// The archive could not be written.
    #[error("could not write `{path}`")]
    Write {
        /// The archive, or its directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A list of dependencies could not be read.
    #[error("could not read the dependencies in `{path}`")]
    DependencyList {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The cache directory could not be used.
    #[error("could not use the cache directory `{path}`")]
    Cache {
        /// The directory or file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is nothing to install with.
    #[error("nothing can install `{wanted}`: uv is not on PATH, and `{python}` has no pip")]
    NoInstaller {
        /// The list of dependencies, or one of them.
        wanted: String,
        /// The interpreter.
        python: PathBuf,
    },
    /// The installer could not be started.
    #[error("could not run `{program}`")]
    RunInstaller {
        /// What was to be run.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// Native code that does not run on the target, and that nothing can take the place of.
    #[error("{} not run on Lambda (`{runtime}`, `{architecture}`)", if unfit.0.len() == 1 { "a distribution does".to_owned() } else { format!("{} distributions do", unfit.0.len()) })]
    Unfit {
        /// What the function runs on.
        runtime: Runtime,
        /// What the function runs on.
        architecture: Architecture,
        /// Which, and why.
        #[source]
        unfit: Unfit,
    },
    /// There is a wheel, and the installer could not get it.
    #[error("{installer} could not fetch {distribution}")]
    Fetch {
        /// `uv` or `pip`.
        installer: &'static str,
        /// Name and version.
        distribution: String,
        /// The end of what it printed.
        #[source]
        output: InstallerOutput,
    },
    /// The installer failed.
    #[error("{installer} could not install the dependencies in `{file}`")]
    Install {
        /// `uv` or `pip`.
        installer: &'static str,
        /// The list of dependencies.
        file: PathBuf,
        /// The end of what it printed.
        #[source]
        output: InstallerOutput,
    },
}

/// The end of what an installer printed, as the cause of its failure.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InstallerOutput(pub String);

/// Distributions that do not run on the target: what is wrong with each, what there is of its version, which other version there is.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Unfit(pub Vec<UnfitDistribution>);

/// A distribution that does not run on the target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {version}: {problem}; {found}")]
pub struct UnfitDistribution {
    /// As its authors write it.
    pub name: String,
    /// As installed.
    pub version: String,
    /// What is wrong with what is installed.
    pub problem: String,
    /// What was found instead.
    pub found: String,
    /// Whether anything of this version was found.
    pub is_there: bool,
    /// The newest version that has a wheel, where the installer told.
    pub other: Option<String>,
}

impl Hint for BundleError {
    fn hints(&self) -> Vec<String> {
        let one = |hint: &str| vec![hint.to_owned()];
        match self {
            Self::Pattern { key: "exclude", .. } => one("`exclude` holds shell patterns for base names: `*.log`, `tests`"),
            Self::Pattern { .. } => one("these are globs relative to the project's root: `static/**/*.map`"),
            Self::IgnoreFile { .. } => one("`.zappaignore` has the syntax of `.gitignore`"),
            Self::Read { .. } => one("make it readable, or leave it out with `exclude`, `exclude_glob` or `.zappaignore`"),
            Self::Changed { .. } => one("run the command again once nothing writes to it"),
            Self::Loop { .. } | Self::Dangling { .. } => {
                one("remove the link, or leave it out with `exclude`, `exclude_glob` or `.zappaignore`")
            }
            Self::Special { .. } => one("remove it, or leave it out with `exclude`, `exclude_glob` or `.zappaignore`"),
            Self::NotUnicode { .. } | Self::CaseCollision { .. } | Self::FileAndDirectory { .. } => {
                one("rename one, or leave it out with `exclude`, `exclude_glob` or `.zappaignore`")
            }
            Self::HidesShim { .. } => one("rename it, or leave it out with `exclude_glob` or `.zappaignore`"),
            Self::AppMissing { hint, .. } => vec![hint.clone()],
            Self::AppName { .. } => one("set `app_function` to where the app is, like `shop.wsgi:app`"),
            Self::Unknown { .. } => one("`zappa package --list` shows everything that is in the bundle, and what is left out"),
            Self::TooLarge { heaviest, without_dependencies, .. } => {
                let mut hints = vec![
                    "leave out what the app does not need with `exclude`, `exclude_glob` or `.zappaignore`; `zappa package --list` shows every file"
                        .to_owned(),
                ];
                if heaviest.0.iter().any(|weight| weight.name.starts_with("boto")) {
                    hints.push("`use_runtime_boto3 = true` leaves boto3 and botocore to the runtime".to_owned());
                }
                hints.push("`slim = \"max\"` leaves out more of the dependencies, debug symbols above all".to_owned());
                if let Some(own) = without_dependencies {
                    let own = size(*own);
                    hints.push(format!("`slim_handler = true` has the function fetch its dependencies when it starts: then {own} count"));
                }
                hints
            }
            Self::TooLargeToFetch { needed_mb, .. } => {
                let exclude = "leave out what the app does not need with `exclude`, `exclude_glob` or `slim = \"max\"`";
                match needed_mb {
                    0..=MAX_STORAGE_MB => vec![format!("set `ephemeral_storage = {{ Size = {needed_mb} }}`, or more"), exclude.to_owned()],
                    _ => vec![format!("Lambda has {MAX_STORAGE_MB} MB at most: {exclude}")],
                }
            }
            Self::Empty | Self::Configuration(_) | Self::RunInstaller { .. } => Vec::new(),
            Self::Write { source, .. } | Self::Cache { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                one("make room on that disk, or choose a place on another")
            }
            Self::Write { .. } => one("choose another place, or make this one writable"),
            Self::DependencyList { .. } => one("correct the file, or make an environment (`.venv`) that holds the dependencies"),
            Self::Cache { .. } => one("set `ZAPPA_CACHE_DIR` to a directory that can be written to"),
            Self::NoInstaller { python, .. } => vec![
                format!("run `{} -m ensurepip`, or install uv", python.display()),
                "or make an environment that holds the dependencies: `python3 -m venv .venv`, then install into it".to_owned(),
            ],
            Self::Unfit { runtime, architecture, unfit } => unfit_hints(*runtime, *architecture, unfit),
            Self::Install { output, .. } | Self::Fetch { output, .. } if output.0.contains("No space left on device") => {
                one("make room on that disk, or set `ZAPPA_CACHE_DIR` to a directory on another")
            }
            // As pip and as uv say it.
            Self::Install { output, .. } | Self::Fetch { output, .. } if ["DO NOT MATCH THE HASHES", "Hash mismatch"].iter().any(|said| output.0.contains(said)) => vec![
                "the lock does not know what the index has: lock anew for every platform (`uv lock`, `poetry lock`, `pip-compile --generate-hashes`)".to_owned(),
                "if it was locked lately, find out who put another file into the index".to_owned(),
            ],
            Self::Install { .. } | Self::Fetch { .. } => one("`-v` shows everything that the installer prints"),
        }
    }

    fn is_input(&self) -> bool {
        match self {
            Self::Pattern { .. }
            | Self::IgnoreFile { .. }
            | Self::Loop { .. }
            | Self::Dangling { .. }
            | Self::Special { .. }
            | Self::NotUnicode { .. }
            | Self::CaseCollision { .. }
            | Self::FileAndDirectory { .. }
            | Self::HidesShim { .. }
            | Self::AppMissing { .. }
            | Self::AppName { .. }
            | Self::Unknown { .. }
            | Self::TooLarge { .. }
            | Self::TooLargeToFetch { .. }
            | Self::DependencyList { .. }
            | Self::NoInstaller { .. } => true,
            Self::Empty
            | Self::Read { .. }
            | Self::Changed { .. }
            | Self::Configuration(_)
            | Self::Write { .. }
            | Self::Cache { .. }
            | Self::RunInstaller { .. }
            | Self::Unfit { .. }
            | Self::Fetch { .. }
            | Self::Install { .. } => false,
        }
    }
}

fn unfit_hints(runtime: Runtime, architecture: Architecture, unfit: &Unfit) -> Vec<String> {
    let others = unfit.0.iter().filter_map(|one| Some(format!("{}=={}", one.name, one.other.as_ref()?)));
    let others: Vec<String> = others.map(|pin| format!("`{pin}`")).collect();
    let versions = if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
    let machine = match architecture {
        Architecture::X86_64 => "linux/amd64",
        Architecture::Arm64 => "linux/arm64",
    };
    let image = format!("public.ecr.aws/lambda/python:3.{}", runtime.minor);
    vec![
        format!("install a version that has a wheel for it{versions}, or set another `runtime` or `architecture`"),
        format!(
            "or build one where it will run, `docker run --platform {machine} {image}`, and let your installer find it (`PIP_FIND_LINKS`)"
        ),
        "`use_precompiled_packages = false` takes what is installed, whatever it runs on".to_owned(),
    ]
}
