//! Both examples, every route, behind all four front doors, as a user would put them up: no environment made beforehand.

use serde_json::json;

use crate::support::http::{Browser, Response, exchange, get, request};
use crate::support::{Deployed, TestProject, local};

/// Runs `check` behind each front door, changing from one to the next by deploying again.
fn behind_every_front_door(deployed: &Deployed, check: impl Fn(u16)) {
    for front_door in ["rest", "http", "function-url", "alb"] {
        let report = deployed.zappa(["deploy", "local", "--json", "--front-door", front_door]).expect_code(0).json();
        assert_eq!(report["front_door"], front_door);
        assert_eq!(report["release"], "unchanged", "a front door is no part of a version");
        check(local::port_of(report["url"].as_str().unwrap()));
    }
}

#[track_caller]
fn assert_page(response: &Response, status: u16, text: &str) {
    assert_eq!(response.status, status, "{}", response.text());
    assert!(response.text().contains(text), "`{text}` is not in\n{}", response.text());
}

#[test]
fn flask_shop() {
    let deployed = Deployed::new(TestProject::copy_of("examples/flask-shop"));
    shop_functions(&deployed);
    behind_every_front_door(&deployed, |port| {
        for page in ["/", "/products/1", "/products/new", "/cart", "/upload", "/caf%C3%A9/Zo%C3%AB", "/preferences", "/static/shop.css"] {
            assert_eq!(get(port, page).status, 200, "{page}");
        }
        assert_page(&get(port, "/caf%C3%A9/Zo%C3%AB"), 200, "Zoë");
        assert_page(&get(port, "/nowhere"), 404, "Not found");
        assert_page(&get(port, "/products/99"), 404, "Not found");
        assert_page(&get(port, "/broken"), 500, "Something broke");
        let moved = get(port, "/products");
        assert_eq!((moved.status, moved.header("location")), (302, Some("/")));
        let cookies = get(port, "/preferences").headers.iter().filter(|(name, _)| name == "set-cookie").count();
        assert_eq!(cookies, 3);
        shop_api(port);
        shop_forms(port);
        shop_files(port);
    });
}

fn shop_api(port: u16) {
    let all = get(port, "/api/products").json();
    assert!(all.to_string().contains("Espresso cup"), "{all}");
    assert_eq!(get(port, "/api/products/99").json(), json!({ "error": "no such product" }));
    let json_type: &[(&str, &[u8])] = &[("Content-Type", b"application/json")];
    let new = br#"{"name": "T\u00f6pfchen", "price_cents": 1250}"#;
    let made = exchange(port, &request("POST", b"/api/products", json_type, new));
    assert_eq!(made.status, 201, "{}", made.text());
    let location = made.header("location").unwrap();
    let path = location.find("/api/").map_or(location, |start| &location[start..]);
    assert!(get(port, path).text().contains("1250"));
    assert_eq!(exchange(port, &request("PATCH", path.as_bytes(), &[], b"")).status, 405);
    assert_eq!(exchange(port, &request("DELETE", path.as_bytes(), &[], b"")).status, 204);
    assert_eq!(exchange(port, &request("DELETE", path.as_bytes(), &[], b"")).status, 404);
    assert_eq!(exchange(port, &request("POST", b"/api/products", json_type, b"{}")).status, 400);
}

fn shop_forms(port: u16) {
    let mut browser = Browser::new(port);
    let added = browser.post("/cart/add/1", &[]);
    assert_eq!(added.status, 303);
    assert_page(&browser.get("/cart"), 200, "Espresso cup is in your cart.");
    assert!(!browser.get("/cart").text().contains("is in your cart."), "a flash message shows once");
    assert_eq!(browser.post("/cart/clear", &[]).status, 303);
    assert_eq!(browser.post("/cart/add/99", &[]).status, 404);
    assert_eq!(browser.post("/products/new", &[("name", ""), ("price_cents", "x"), ("stock", "")]).status, 400);
    let made = browser.post("/products/new", &[("name", "Käse & Brot"), ("price_cents", "700"), ("stock", "3")]);
    assert_eq!(made.status, 303);
    assert_page(&browser.get(made.header("location").unwrap()), 200, "Käse &amp; Brot");
}

fn shop_files(port: u16) {
    let content: Vec<u8> = (0..=255_u8).cycle().take(100_000).collect();
    let mut form = b"--sep\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\ngr\xc3\xbc\xc3\x9fe\r\n--sep\r\n".to_vec();
    form.extend_from_slice(
        b"Content-Disposition: form-data; name=\"file\"; filename=\"all.bin\"\r\nContent-Type: application/x-thing\r\n\r\n",
    );
    form.extend_from_slice(&content);
    form.extend_from_slice(b"\r\n--sep--\r\n");
    let headers: &[(&str, &[u8])] = &[("Content-Type", b"multipart/form-data; boundary=sep"), ("Accept", b"application/json")];
    let upload = exchange(port, &request("POST", b"/upload", headers, &form));
    let sha256: String = sha256(&content).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let told = upload.json();
    assert_eq!((&told["size"], &told["sha256"], &told["note"]), (&json!(100_000), &json!(sha256), &json!("grüße")));
    let logo = get(port, "/download/logo.png");
    assert_eq!(logo.header("content-type"), Some("image/png"));
    assert!(logo.body.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert!(get(port, "/download/catalogue.zip").body.starts_with(b"PK"));
    assert_eq!(get(port, "/export.csv").status, 200);
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).to_vec()
}

fn shop_functions(deployed: &Deployed) {
    let count = deployed.zappa(["invoke", "local", "jobs.stock_count", "--json"]).expect_code(0).json();
    assert_eq!(count["result"]["items"], 41, "{count}");
    let report =
        deployed.zappa(["invoke", "local", "jobs.nightly_report", "--payload", r#"{"kwargs": {"low_stock": 5}}"#]).expect_code(0).json();
    assert_eq!(report["low_stock"], 5);
    let status = deployed.zappa(["status", "local"]).expect_code(0);
    assert!(status.stdout.contains("nightly-report"), "{}", status.stdout);
}

#[test]
fn django_site() {
    if python_is_older_than_django() {
        return;
    }
    let project = TestProject::copy_of("examples/django-site");
    // One database for all sandboxes, so that what one request writes the next one sees.
    let database = format!("sqlite:///{}", project.outside().join("site.sqlite3").display());
    let variables = json!({ "DATABASE_URL": database, "DJANGO_SECRET_KEY": "for this test" }).to_string();

    // As it comes: a throw-away database that each sandbox makes for itself, with the administrator of the settings in it.
    let mut deployed = Deployed::new(project);
    admin(&mut Browser::new(deployed.port));

    deployed.project.set_env("ZAPPA_ENVIRONMENT_VARIABLES", &variables);
    let report = deployed.zappa(["update", "local", "--json", "--no-check"]).expect_code(0).json();
    assert_eq!(report["version"], 2, "other variables make another version");
    let migrated = deployed.zappa(["manage", "local", "migrate", "--noinput"]).expect_code(0);
    assert!(migrated.stdout.contains("Applying notes.0001_initial"), "{}", migrated.stdout);
    let script = "from django.contrib.auth import get_user_model as u; u().objects.create_superuser('admin', '', 'local-admin-password')";
    deployed.zappa(["manage", "local", "shell", "-c", script]).expect_code(0);

    behind_every_front_door(&deployed, |port| {
        assert_eq!(get(port, "/").status, 400, "a host that is not allowed");
        let mut browser = Browser::new(port);
        assert_eq!(browser.get("/").status, 200);
        assert_eq!(browser.get("/new").status, 301);
        assert_page(&browser.get("/nowhere/"), 404, "");
        for css in ["/static/site.css", "/static/admin/css/base.css"] {
            let response = browser.get(css);
            assert_eq!(response.status, 200, "{css}");
            assert!(response.header("content-type").unwrap().starts_with("text/css"));
        }
        notes(&mut browser);
        admin(&mut browser);
    });
    let report = deployed.zappa(["manage", "local", "notes_report", "--title", "two \"quoted\" words"]).expect_code(0);
    assert!(report.stdout.starts_with("two \"quoted\" words\n"), "{}", report.stdout);
    let failed = deployed.zappa(["manage", "local", "notes_report", "--fail"]).expect_code(1);
    assert!(failed.stdout.contains("told to fail"), "{}", failed.stdout);
    let pruned = deployed.zappa(["invoke", "local", "notes.tasks.prune"]).expect_code(0).json();
    assert_eq!(pruned["deleted"], 0);
}

/// Django 5.2 wants Python 3.10; what pip would answer to the example's requirements says nothing about this tool.
pub(crate) fn python_is_older_than_django() -> bool {
    let output = std::process::Command::new(crate::support::python::interpreter())
        .args(["-c", "import sys; print(sys.version_info[1])"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse::<u32>().unwrap() < 10
}

/// The hidden field that Django's forms carry.
fn token(page: &Response) -> String {
    let text = page.text();
    let start = text.find("name=\"csrfmiddlewaretoken\"").unwrap_or_else(|| panic!("no token in\n{text}"));
    text[start..].split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn notes(browser: &mut Browser) {
    assert_eq!(browser.post("/new/", &[("title", "x"), ("text", "y")]).status, 403, "no token");
    let form = browser.get("/new/");
    let token = token(&form);
    let made = browser.post("/new/", &[("title", "Grüße & <b>"), ("text", "first line\r\nsecond"), ("csrfmiddlewaretoken", &token)]);
    assert_eq!((made.status, made.header("location")), (302, Some("/")));
    let list = browser.get("/");
    assert_page(&list, 200, "Grüße &amp; &lt;b&gt;");
    let text = list.text();
    let delete = text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).find(|link| link.ends_with("/delete/"));
    let delete = delete.unwrap_or_else(|| panic!("no delete link in\n{text}"));
    let form = browser.get(delete);
    let token = self::token(&form);
    assert_eq!(browser.post(delete, &[("csrfmiddlewaretoken", &token)]).status, 302);
    assert!(!browser.get("/").text().contains("&lt;b&gt;"));
}

fn admin(browser: &mut Browser) {
    let refused = browser.get("/admin/");
    assert_eq!((refused.status, refused.header("location")), (302, Some("/admin/login/?next=/admin/")));
    let form = browser.get("/admin/login/?next=/admin/");
    let token = token(&form);
    let fields = [("username", "admin"), ("password", "local-admin-password"), ("next", "/admin/"), ("csrfmiddlewaretoken", &token)];
    let logged_in = browser.post("/admin/login/", &fields);
    assert_eq!((logged_in.status, logged_in.header("location")), (302, Some("/admin/")), "{}", logged_in.text());
    assert!(browser.cookie("sessionid").is_some());
    assert_page(&browser.get("/admin/"), 200, "Notes");
    assert_eq!(browser.get("/admin/notes/note/add/").status, 200);
}
