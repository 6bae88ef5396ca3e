//! An interpreter is asked about itself once, and again when it would say something else.

use std::fs;
use std::path::PathBuf;

use zappa::project::{self, DependencySource, DiscoveryRequest, Project, ProjectError};
use zappa::settings::AppSetting;

use super::{make_venv, path_only, site_packages};
use crate::support::{TestProject, eventually};

/// A project whose environment counts how often its interpreter starts.
struct Counted {
    project: TestProject,
    site_packages: PathBuf,
    log: PathBuf,
}

impl Counted {
    fn new() -> Self {
        let project = TestProject::new().file("app.py", "def app(environ, start_response): ...\n");
        let environment = project.root().join(".venv");
        make_venv(&environment, &[]);
        let (site_packages, log) = (site_packages(&environment), project.outside().join("starts"));
        fs::write(&log, "").unwrap();
        let counts = format!("with open({:?}, 'a') as log: log.write('x')\n", log.to_str().unwrap());
        fs::write(site_packages.join("sitecustomize.py"), counts).unwrap();
        Self { project, site_packages, log }
    }

    fn discover(&self) -> Result<Project, ProjectError> {
        let request = DiscoveryRequest {
            directory: self.project.root().to_owned(),
            python: None,
            cache: Some(self.project.outside().join("cache")),
            app: Some(AppSetting::Function("app.app".to_owned())),
        };
        project::discover(&request, &path_only())
    }

    /// How many interpreters it takes to discover the project.
    fn starts(&self) -> usize {
        let before = fs::read(&self.log).unwrap().len();
        self.discover().unwrap();
        fs::read(&self.log).unwrap().len() - before
    }

    fn linked(&self) -> usize {
        match self.discover().unwrap().dependencies {
            DependencySource::Environment(installed) => installed.linked.len(),
            DependencySource::File { path, .. } => panic!("dependencies from {}", path.display()),
        }
    }
}

#[test]
fn an_interpreter_is_asked_again_only_when_it_would_say_something_else() {
    let counted = Counted::new();
    assert_eq!(counted.starts(), 1);
    // What has just been written may change unseen for a moment.
    eventually("the answer is remembered", || counted.starts() == 0);
    assert_eq!(counted.starts(), 0);

    // Something is installed that links to a directory: what is in that decides, too.
    let elsewhere = counted.project.outside().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let link = counted.site_packages.join("link.pth");
    fs::write(&link, format!("{}\n", elsewhere.display())).unwrap();
    assert_eq!(counted.linked(), 1);
    assert_eq!(counted.starts(), 1);
    fs::write(&link, "\n").unwrap();
    assert_eq!(counted.linked(), 0);
    eventually("the answer is remembered", || counted.starts() == 0);
    // In place, and nothing is added or removed.
    fs::write(&link, format!("{}\n", elsewhere.display())).unwrap();
    assert_eq!(counted.linked(), 1);
    fs::remove_file(&link).unwrap();
    eventually("the answer is remembered", || counted.starts() == 0);

    let configuration = counted.project.root().join(".venv/pyvenv.cfg");
    let text = fs::read_to_string(&configuration).unwrap();
    fs::write(&configuration, format!("{text}version_info = 3.1\n")).unwrap();
    assert!(matches!(counted.discover(), Err(ProjectError::StaleEnvironment { .. })));
    // Open to what the system has installed: more than its own files decide.
    fs::write(&configuration, text.replace("include-system-site-packages = false", "include-system-site-packages = true")).unwrap();
    assert_eq!((counted.starts(), counted.starts()), (1, 1));
}
