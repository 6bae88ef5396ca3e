//! What environment markers of requirements (`; python_version < "3.11"`) mean on the target: Linux, and the Python of the function.

use pep508_rs::{ExtraName, MarkerEnvironment, MarkerEnvironmentBuilder, MarkerTree, PackageName, Requirement, VerbatimUrl};

use crate::model::Architecture;
use crate::project::Interpreter;
use crate::settings::Settings;

/// Evaluates markers for the machine that the code will run on.
pub(super) struct Markers(Option<MarkerEnvironment>);

impl Markers {
    /// For functions as `settings` want them, which run what `interpreter` runs if that is open.
    pub(super) fn new(interpreter: &Interpreter, settings: &Settings) -> Self {
        let minor = settings.runtime.unwrap_or(interpreter.runtime).minor;
        let python_version = format!("3.{minor}");
        // Which patch release Lambda has, nobody knows beforehand.
        let full_version = if minor == interpreter.runtime.minor { &interpreter.version } else { &format!("{python_version}.0") };
        let builder = MarkerEnvironmentBuilder {
            implementation_name: "cpython",
            implementation_version: full_version,
            os_name: "posix",
            // As `uname -m` says it, which is not the name that Lambda uses.
            platform_machine: match settings.architecture {
                Architecture::X86_64 => "x86_64",
                Architecture::Arm64 => "aarch64",
            },
            platform_python_implementation: "CPython",
            platform_release: "",
            platform_system: "Linux",
            platform_version: "",
            python_full_version: full_version,
            python_version: &python_version,
            sys_platform: "linux",
        };
        Self(MarkerEnvironment::try_from(builder).ok())
    }

    /// Whether a requirement counts when its owner is wanted with `extras`. In doubt it does.
    pub(super) fn apply(&self, marker: &MarkerTree, extras: &[ExtraName]) -> bool {
        marker.evaluate_optional_environment(self.0.as_ref(), extras)
    }

    /// As [`Self::apply`], for a marker that stands alone, as lock files have them.
    pub(super) fn apply_text(&self, marker: &str, extras: &[ExtraName]) -> bool {
        MarkerTree::parse_str::<VerbatimUrl>(marker).map_or(true, |marker| self.apply(&marker, extras))
    }

    /// What each variable is there, as JSON; `None` if nobody knows.
    pub(super) fn to_json(&self) -> Option<String> {
        serde_json::to_string(self.0.as_ref()?).ok()
    }
}

/// A requirement as `Requires-Dist` has it; `None` for the old forms that no longer parse.
pub(super) fn requirement(text: &str) -> Option<Requirement> {
    text.parse().ok()
}

/// The normalized name of a distribution (`Flask_Login` → `flask-login`).
pub(super) fn normalized(name: &str) -> String {
    name.parse::<PackageName>().map_or_else(|_| name.to_lowercase(), |name| name.to_string())
}
