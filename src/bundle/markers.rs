//! What environment markers of requirements (`; python_version < "3.11"`) mean on the target: Linux, and the Python of the project.

use pep508_rs::{ExtraName, MarkerEnvironment, MarkerEnvironmentBuilder, MarkerTree, PackageName, Requirement, VerbatimUrl};

use crate::model::Architecture;
use crate::project::Interpreter;

/// Evaluates markers for the machine that the code will run on.
pub(super) struct Markers(Option<MarkerEnvironment>);

impl Markers {
    /// For functions of this architecture that run what `interpreter` runs.
    pub(super) fn new(interpreter: &Interpreter, architecture: Architecture) -> Self {
        let python_version = format!("3.{}", interpreter.runtime.minor);
        let builder = MarkerEnvironmentBuilder {
            implementation_name: "cpython",
            implementation_version: &interpreter.version,
            os_name: "posix",
            // As `uname -m` says it, which is not the name that Lambda uses.
            platform_machine: match architecture {
                Architecture::X86_64 => "x86_64",
                Architecture::Arm64 => "aarch64",
            },
            platform_python_implementation: "CPython",
            platform_release: "",
            platform_system: "Linux",
            platform_version: "",
            python_full_version: &interpreter.version,
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
}

/// A requirement as `Requires-Dist` has it; `None` for the old forms that no longer parse.
pub(super) fn requirement(text: &str) -> Option<Requirement> {
    text.parse().ok()
}

/// The normalized name of a distribution (`Flask_Login` → `flask-login`).
pub(super) fn normalized(name: &str) -> String {
    name.parse::<PackageName>().map_or_else(|_| name.to_lowercase(), |name| name.to_string())
}
