//! The page in headless Chromium, where there is one: `.ci/run` installs it from Debian's packages.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Shop;
use super::page::attributes;

const NAMES: [&str; 2] = ["chromium", "chromium-browser"];

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).flat_map(|directory| NAMES.map(|name| directory.join(name))).find(|program| program.is_file());
    if found.is_none() {
        let _ = writeln!(std::io::stderr(), "skipped: there is no Chromium on `PATH` (Debian: `apt-get install chromium`)");
    }
    found
}

/// What the browser makes of the page, and what its console says.
struct Seen {
    dom: String,
    console: Vec<String>,
}

fn open(chromium: &Path, page: &Path, fragment: &str) -> Seen {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(chromium)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--window-size=1200,900"])
        .args(["--enable-logging=stderr", "--v=0", "--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}{fragment}", page.display()))
        .env("HOME", profile.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let console = stderr.lines().filter(|line| line.contains(":CONSOLE") || line.contains("Uncaught")).map(str::to_owned).collect();
    Seen { dom: String::from_utf8(output.stdout).unwrap(), console }
}

impl Seen {
    /// The markup of the map.
    fn map(&self) -> &str {
        self.dom
            .split_once("<svg")
            .map(|(_, rest)| rest.split("</svg>").next().unwrap())
            .unwrap_or_else(|| panic!("no map\n{:?}", self.console))
    }

    /// Labels of the tiles that the keyboard reaches.
    fn tiles(&self) -> Vec<&str> {
        self.map().split(" aria-label=\"").skip(2).map(|rest| rest.split('"').next().unwrap()).collect()
    }

    fn crumbs(&self) -> &str {
        let (_, rest) = self.dom.split_once("<ol id=\"crumbs\">").unwrap();
        rest.split("</ol>").next().unwrap()
    }
}

#[test]
fn the_map_shows_the_bundle_and_goes_into_it() {
    let Some(chromium) = chromium() else { return };
    let shop = Shop::new();
    shop.write("static/site.css", "body { color: red }\n");
    let report = shop.package(&["--report", "r.html"]);
    let page = shop.project.root().join("r.html");

    let whole = open(&chromium, &page, "");
    assert_eq!(whole.console, [""; 0]);
    // The heavier archive first, in it the distributions, in them their files.
    let tiles = whole.tiles();
    let size = |role: usize| report["archives"][role]["unpacked_size"].as_u64().unwrap();
    assert!(matches!(tiles[..], [first, second] if first.starts_with("dependencies: ") && second.starts_with("app: ")), "{tiles:?}");
    assert!(whole.map().contains("data-path=\"dependencies/Heavy 1.0/heavy/data.bin\" data-size=\"300000\""), "{}", whole.map());
    assert!(whole.map().matches("<rect").count() > 8, "{}", whole.map());
    let sizes = attributes(whole.map(), "data-size");
    assert_eq!((sizes[0], sizes.contains(&size(0))), (size(1), true), "{sizes:?}");
    assert!(whole.crumbs().contains("aria-current=\"location\">bundle<"), "{}", whole.crumbs());

    let zoomed = open(&chromium, &page, "#heavy");
    assert_eq!(zoomed.console, [""; 0]);
    let inside = zoomed.tiles();
    assert!(inside.iter().any(|tile| tile.starts_with("heavy: ")) && !inside.iter().any(|tile| tile.starts_with("colours")), "{inside:?}");
    assert!(zoomed.crumbs().contains("Heavy 1.0"), "{}", zoomed.crumbs());
    let deeper = open(&chromium, &page, "#dependencies/Heavy%201.0/heavy");
    assert!(deeper.tiles().iter().any(|tile| tile.starts_with("data.bin: 300.0 kB")), "{:?}", deeper.tiles());
    let nowhere = open(&chromium, &page, "#no/such/thing");
    assert_eq!((nowhere.tiles(), nowhere.console.len()), (whole.tiles(), 0));
    // Nothing is fetched from anywhere, and nothing would be.
    let markup = std::fs::read_to_string(&page).unwrap();
    assert!(!markup.replace("http://www.w3.org/2000/svg", "").contains("://"), "an address of somebody else");
    assert!(markup.contains("default-src 'none'"));
}

/// Names that would be markup or script if they were not taken for names, in every place where one is shown.
#[cfg(unix)]
#[test]
fn names_are_names() {
    let Some(chromium) = chromium() else { return };
    let shop = Shop::new();
    shop.write("static/</script><img src=x onerror=document.title='owned'>", super::COPY);
    std::fs::create_dir_all(shop.project.root().join("<b onclick=1>")).unwrap();
    std::fs::write(shop.project.root().join("<b onclick=1>").join("\u{2028}\"'&lt;\u{202e}.txt"), super::COPY).unwrap();
    // The reason of its byte code has the whole of its path.
    shop.write("static/</script><!--<script>.py", "");
    shop.write("app.py", "raise ValueError('</pre><script>document.title=1</script>')\n");
    shop.package(&["--report", "r.html"]);
    let page = shop.project.root().join("r.html");
    let seen = open(&chromium, &page, "#static");
    assert_eq!(seen.console, [""; 0]);
    assert!(
        !seen.dom.contains("<img") && !seen.dom.contains("<b onclick") && seen.dom.contains("<title>shop-local · bundle</title>"),
        "{}",
        seen.dom
    );
    assert!(
        seen.dom.contains("&lt;/script&gt;&lt;img src=x onerror=document.title='owned'&gt;") || seen.dom.contains("&lt;/script>&lt;img"),
        "the name is shown"
    );
    assert!(seen.crumbs().contains("static"));
    assert_eq!(seen.dom.matches("<script").count(), 2);
}
