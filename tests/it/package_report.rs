//! What `zappa package` and `zappa deploy` let you see of a bundle: figures on the terminal, what changed since the last release, and the page of
//! `--report`, which a real browser opens.

mod browser;
mod changes;
mod page;

use std::fs;
use std::path::PathBuf;

use crate::support::TestProject;

/// A project with an environment of a few distributions made by hand, so that one of them can be another version the next time.
struct Shop {
    project: TestProject,
}

impl Shop {
    /// A WSGI app that imports what the tests' own environment does not have.
    fn new() -> Self {
        let shop = Self { project: TestProject::new() };
        shop.write("app.py", APP);
        shop.write(
            "zappa_settings.toml",
            "[local]\napp_function = \"app.app\"\n\n[local.environment_variables]\nTOKEN = \"hunter2-hunter2\"\n",
        );
        let made = std::process::Command::new(crate::support::python::interpreter())
            .args(["-m", "venv", "--without-pip"])
            .arg(shop.project.root().join(".venv"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        shop.install(
            "Heavy",
            "1.0",
            &[("heavy/__init__.py", "import colours\nNAME = 'heavy'\n"), ("heavy/data.bin", &"x".repeat(300_000))],
        );
        shop.install("colours", "2.1", &[("colours/__init__.py", "RED = 1\n"), ("colours/copy.txt", COPY)]);
        shop
    }

    fn write(&self, path: &str, content: &str) {
        self.project.write(path, content);
    }

    fn site_packages(&self) -> PathBuf {
        let mut found = Vec::new();
        for entry in walkdir::WalkDir::new(self.project.root().join(".venv")).into_iter().flatten() {
            if entry.file_name() == "site-packages" && entry.file_type().is_dir() {
                found.push(entry.into_path());
            }
        }
        found.sort();
        found.swap_remove(0)
    }

    fn install(&self, name: &str, version: &str, files: &[(&str, &str)]) {
        let site = self.site_packages();
        let metadata = format!("{}-{version}.dist-info", name.to_lowercase());
        let mut record = format!("{metadata}/METADATA,,\n{metadata}/RECORD,,\n");
        for (path, content) in files {
            fs::create_dir_all(site.join(path).parent().unwrap()).unwrap();
            fs::write(site.join(path), content).unwrap();
            record.push_str(&format!("{path},,\n"));
        }
        fs::create_dir_all(site.join(&metadata)).unwrap();
        fs::write(site.join(&metadata).join("METADATA"), format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")).unwrap();
        fs::write(site.join(&metadata).join("RECORD"), record).unwrap();
    }

    fn write_installed(&self, path: &str, content: &str) {
        fs::write(self.site_packages().join(path), content).unwrap();
    }

    fn uninstall(&self, name: &str, version: &str) {
        let name = name.to_lowercase();
        fs::remove_dir_all(self.site_packages().join(&name)).unwrap();
        fs::remove_dir_all(self.site_packages().join(format!("{name}-{version}.dist-info"))).unwrap();
    }

    /// What `zappa package` with these flags says as JSON.
    #[track_caller]
    fn package(&self, flags: &[&str]) -> serde_json::Value {
        self.project.zappa(["package", "local", "--json"].iter().chain(flags)).expect_code(0).json()
    }
}

const APP: &str = "import heavy\n\n\ndef app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'ok']\n";
/// Long enough to be worth finding twice.
const COPY: &str = "This text stands in the bundle more than once.\n";
