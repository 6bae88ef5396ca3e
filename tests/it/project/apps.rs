//! Which app: found by reading, or checked where it is named.

use super::*;

fn app_of(files: &[(&str, &str)]) -> Result<AppSetting, ProjectError> {
    let project = TestProject::new().file("requirements.txt", "");
    for (path, content) in files {
        project.write(path, content);
    }
    discover(&project, None).map(|project| project.app)
}

const FLASK: &str = "from flask import Flask\napp = Flask(__name__)\n";

#[test]
fn flask_apps_are_found() {
    let function = |name: &str| AppSetting::Function(name.to_owned());
    let factory = "import flask as f\ndef create_app(config=None, *, debug=False):\n    app = f.Flask(__name__)\n    return app\n";
    let guarded = "from flask import Flask\nif True:\n    api: Flask = Flask('x')\nif __name__ == '__main__':\n    app = Flask('y')\n";
    let subclass = "import flask\nclass Shop(flask.Flask):\n    pass\napplication = Shop(__name__)\n";
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("app:app", &[("app.py", FLASK)]),
        ("server:api", &[("server.py", guarded)]),
        ("main:application", &[("main.py", subclass)]),
        ("shop:create_app()", &[("shop/__init__.py", factory)]),
        ("wsgi:app", &[("shop/__init__.py", factory), ("wsgi.py", "from shop import create_app\napp = create_app()\n")]),
        (
            "wsgi:app",
            &[
                ("shop/__init__.py", "from .factory import create_app\n"),
                ("shop/factory.py", factory),
                ("wsgi.py", "import shop\napp = shop.create_app()\n"),
            ],
        ),
        // The customary file wins over others, nearer ones over deeper ones, everything over tests.
        ("app:app", &[("app.py", FLASK), ("admin.py", FLASK), ("main.py", FLASK), ("shop/app.py", FLASK), ("tests/app.py", FLASK)]),
        ("shop.app:app", &[("shop/app.py", FLASK), ("tests/app.py", FLASK), ("conftest.py", FLASK), ("shop/test_app.py", FLASK)]),
        // Environments, hidden directories and what others have brought are not the project.
        (
            "shop.web:app",
            &[
                ("shop/web.py", FLASK),
                ("node_modules/x/app.py", FLASK),
                (".tox/app.py", FLASK),
                ("old/pyvenv.cfg", ""),
                ("old/app.py", FLASK),
            ],
        ),
    ];
    for (expected, files) in cases {
        assert_eq!(app_of(files).unwrap(), function(expected), "{files:?}");
    }
}

#[test]
fn other_wsgi_apps_are_found() {
    let function = |name: &str| AppSetting::Function(name.to_owned());
    let cases = [
        ("hello:application", "hello.py", "def application(environ, start_response):\n    return []\n"),
        ("hello:app", "hello.py", "import bottle\napp = bottle.Bottle()\n"),
        ("hello:app", "hello.py", "class App:\n    def __call__(self, env, start_response):\n        return []\napp = App()\n"),
        ("hello:app", "hello.py", "from pyramid.config import Configurator\nc = Configurator()\napp = c.make_wsgi_app()\n"),
    ];
    for (expected, file, content) in cases {
        assert_eq!(app_of(&[(file, content)]).unwrap(), function(expected), "{content}");
    }
}

const MANAGE: &str = "import os\ndef main():\n    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site1.settings')\nmain()\n";
const WSGI: &str = "import os\nfrom django.core.wsgi import get_wsgi_application\n\
                    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site1.settings')\napplication = get_wsgi_application()\n";
const SETTINGS: &str = "ROOT_URLCONF = 'site1.urls'\nINSTALLED_APPS = []\n";

#[test]
fn django_projects_are_found() {
    let django = |name: &str| AppSetting::Django(name.to_owned());
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("site1.settings", &[("manage.py", MANAGE), ("site1/settings.py", SETTINGS), ("site1/wsgi.py", WSGI)]),
        ("site1.settings", &[("manage.py", MANAGE), ("site1/settings/__init__.py", ""), ("site1/settings/prod.py", SETTINGS)]),
        ("site1.settings", &[("site1/settings.py", "from .base import *\n"), ("site1/wsgi.py", WSGI)]),
        ("conf.live", &[("conf/live.py", SETTINGS)]),
    ];
    for (expected, files) in cases {
        assert_eq!(app_of(files).unwrap(), django(expected), "{files:?}");
    }
    // From the directory above, its settings would not be importable.
    let above = app_of(&[("backend/manage.py", MANAGE), ("backend/site1/settings.py", SETTINGS), ("backend/site1/wsgi.py", WSGI)]);
    let shown = text(&above.unwrap_err());
    assert!(shown.contains("`-C backend`"), "{shown}");
}

#[test]
fn no_app_and_several_apps_are_errors_that_say_what_to_write() {
    let rejected = [
        ("main.py", "from fastapi import FastAPI\napp = FastAPI()\n", "main.py:2: `app` is an ASGI app"),
        (
            "app.py",
            "import flask\ndef create_app(config):\n    return flask.Flask('x')\n",
            "app.py:2: `create_app` cannot be called without `config`",
        ),
        ("app.py", "from flask import Flask\napp = (\n", "app.py:2: could not be parsed"),
        ("my-app.py", FLASK, "my-app.py:2: `app` is in a file whose name cannot be imported"),
        ("app.py", "print('Flask')\n", "zappa init --app module:callable"),
    ];
    for (file, content, expected) in rejected {
        let error = app_of(&[(file, content)]).unwrap_err();
        let shown = text(&error);
        assert!(matches!(error, ProjectError::NoApp { .. }) && shown.contains(expected), "{shown}");
    }
    let error = app_of(&[("shop.py", FLASK), ("admin.py", FLASK), ("tests/app.py", FLASK)]).unwrap_err();
    let shown = text(&error);
    assert!(shown.contains("`app_function = \"admin:app\"` (Flask, admin.py:2)"), "{shown}");
    assert!(shown.contains("`app_function = \"shop:app\"` (Flask, shop.py:2)") && !shown.contains("tests"), "{shown}");
    assert!(shown.contains("zappa init --app 'admin:app'") && error.is_input(), "{shown}");
}

#[test]
fn an_app_that_is_named_has_to_be_there() {
    let project = TestProject::new().file("requirements.txt", "").file("store/web.py", FLASK).file("store/settings.py", "");
    let check = |app: AppSetting| discover(&project, Some(app)).map(|_| ());
    let function = |app: &str| check(AppSetting::Function(app.to_owned()));
    for app in ["store.web:app", "store.web.app", "store.web:make()", "store:app", "wsgiref.simple_server:demo_app"] {
        function(app).unwrap();
    }
    check(AppSetting::Django("store.settings".to_owned())).unwrap();
    // Not installed yet: it may come with what `requirements.txt` lists.
    function("somebody_elses:app").unwrap();

    for (app, nearest) in [("store.wbe:app", "`store.web`"), ("web:app", "`store.web`"), ("stroe.web:app", "`store.web`")] {
        let shown = text(&function(app).unwrap_err());
        assert!(shown.contains(&format!("did you mean {nearest}?")), "{shown}");
    }
    let error = check(AppSetting::Django("store.setings".to_owned())).unwrap_err();
    assert!(text(&error).contains("`django_settings = \"store.setings\"`") && text(&error).contains("`store.settings`"), "{error}");
    for app in ["app", "store/web.py:app", "store.web:", "", ":app", "store..web:app"] {
        let error = function(app).unwrap_err();
        assert!(matches!(error, ProjectError::AppShape { .. }), "{app}: {error:?}");
    }
    make_venv(&project.root().join(".venv"), &[]);
    assert!(matches!(function("somebody_elses:app").unwrap_err(), ProjectError::NoModule { .. }));
}
