//! What an app setting names: turned into the one form that the shim reads, and looked for among the files of the bundle.

use std::collections::BTreeMap;

use super::{BundleError, Entry, Skipped};
use crate::settings::AppSetting;

/// An app setting, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EntryPoint<'a> {
    /// As in the settings.
    written: &'a str,
    /// Dotted module to import.
    pub(super) module: &'a str,
    /// `callable`, `factory()`; nothing for Django.
    pub(super) callable: Option<&'a str>,
}

impl<'a> EntryPoint<'a> {
    /// Understands `module:callable`, `module.callable`, `module:factory()` and Django's settings modules.
    pub(super) fn parse(app: &'a AppSetting) -> Result<Self, BundleError> {
        let (written, parts) = match app {
            AppSetting::Django(module) => (module, Some((module.as_str(), None))),
            AppSetting::Function(function) => {
                // A dot behind the bracket of a call separates nothing.
                let name = function.find('(').map_or(function.as_str(), |bracket| &function[..bracket]);
                let split = match name.find(':') {
                    Some(colon) => Some((colon, colon + 1)),
                    None => name.rfind('.').map(|dot| (dot, dot + 1)),
                };
                (function, split.map(|(end, start)| (&function[..end], Some(&function[start..]))))
            }
        };
        match parts {
            Some((module, callable)) if dotted(module) && callable.is_none_or(|callable| !callable.is_empty()) => {
                Ok(Self { written, module, callable })
            }
            _ => Err(BundleError::AppName { app: written.clone() }),
        }
    }

    /// Makes sure that the module is in the bundle.
    pub(super) fn check(&self, entries: &BTreeMap<String, Entry>, skipped: &[Skipped]) -> Result<(), BundleError> {
        let base = self.module.replace('.', "/");
        let directory = format!("{base}/");
        let inside = |prefix: &str| entries.range(prefix.to_owned()..).next().is_some_and(|(path, _)| path.starts_with(prefix));
        // A module, an extension module (`wsgi.cpython-311-x86_64-linux-gnu.so`), a package, or a namespace package.
        let extension = entries
            .range(format!("{base}.")..)
            .take_while(|(path, _)| path.starts_with(&format!("{base}.")))
            .any(|(path, _)| path.ends_with(".so") || path.ends_with(".pyd") || path.ends_with(".pyc"));
        if entries.contains_key(&format!("{base}.py")) || extension || inside(&directory) {
            return Ok(());
        }
        Err(BundleError::AppMissing {
            module: self.module.to_owned(),
            app: self.written.to_owned(),
            looked: format!("`{base}.py` and `{base}/__init__.py`"),
            hint: self.hint(&base, entries, skipped),
        })
    }

    fn hint(&self, base: &str, entries: &BTreeMap<String, Entry>, skipped: &[Skipped]) -> String {
        let module = format!("{base}.py");
        let above = |path: &str| path == module || (path.ends_with('/') && format!("{base}/").starts_with(path));
        if let Some(Skipped { path, reason, .. }) = skipped.iter().find(|skipped| above(&skipped.path)) {
            return format!("`{path}` is left out: {reason}");
        }
        let elsewhere = [format!("/{module}"), format!("/{base}/__init__.py")];
        match entries.keys().find(|path| elsewhere.iter().any(|end| path.ends_with(end.as_str()))) {
            Some(path) => {
                let directory = path.split(&format!("/{base}")).next().unwrap_or_default();
                format!(
                    "there is `{path}`: install the project into its environment (`pip install -e .`), or name the app as it is seen from the root (`{}.{}`)",
                    directory.replace('/', "."),
                    self.module
                )
            }
            None => "correct `app_function` or `django_settings`, or run the command in the project's directory (`-C`)".to_owned(),
        }
    }

    /// As the shim reads it.
    pub(super) fn for_shim(&self) -> Option<String> {
        self.callable.map(|callable| format!("{}:{callable}", self.module))
    }
}

fn dotted(name: &str) -> bool {
    !name.is_empty() && name.split('.').all(identifier)
}

/// Whether `name` can stand behind `import`, near enough: Python allows more letters than this knows, and no more than it lets through.
pub(super) fn identifier(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || c == '_') && name.chars().next().is_some_and(|c| !c.is_numeric())
}
