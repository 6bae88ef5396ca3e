//! The app, and how the shim treats it.

use super::Preset::{Json, Unset};
use super::words;
use super::{Key, Kind};

/// The levels of Python's logging module.
const LOG_LEVELS: Kind = Kind::Choice(&["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]);

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "app_function",
        words::APP,
        Unset,
        "\"shop.app\"",
        "The WSGI app: `module.callable`, `module:callable` or `module:factory()`. Left out, the project is searched for it.",
    ),
    Key::new("app_type", Kind::Choice(&["wsgi", "asgi"]), Json("\"wsgi\""), "\"wsgi\"", "The app's protocol.")
        .not_yet(&[], "only WSGI apps are served"),
    Key::new(
        "django_settings",
        words::MODULE,
        Unset,
        "\"site.settings\"",
        "The settings module of a Django project; used instead of `app_function`.",
    ),
    Key::new(
        "exception_handler",
        words::FUNCTION,
        Unset,
        "\"shop.errors.report\"",
        "A function `(exception, event, context)` that is called with every exception nobody caught; what it returns decides whether a \
         background event counts as handled.",
    ),
    Key::new(
        "lambda_handler",
        Kind::Text,
        Json("\"zappa.handler.lambda_handler\""),
        "\"zappa.handler.lambda_handler\"",
        "The entry point of the function.",
    )
    .not_yet(&["\"handler.lambda_handler\""], "the entry point is always this tool's own"),
    Key::new("settings_file", Kind::Text, Unset, "\"\"", "A Python settings file to put into the bundle.")
        .not_yet(&[], "nothing ever read it; give the app its settings by `environment_variables`"),
    Key::new("websocket_handler_module", Kind::Text, Unset, "\"\"", "The module that holds the handlers of a WebSocket API.")
        .not_yet(&[], ""),
    Key::new(
        "context_header_mappings",
        Kind::Map(&Kind::Text),
        Json("{}"),
        "{ X-Stage = \"stage\" }",
        "Request headers that the app gets in addition: header name to dotted path inside the event's `requestContext`.",
    ),
    Key::new(
        "binary_support",
        Kind::Bool,
        Json("true"),
        "true",
        "Whether answers that are not text go through the gateway as Base64, so that every byte arrives.",
    ),
    Key::new(
        "additional_text_mimetypes",
        Kind::List(&Kind::Text),
        Json("[]"),
        "[\"application/vnd.shop\"]",
        "Prefixes of content types that are text in addition to the known ones; needs `binary_support`.",
    ),
    Key::new(
        "debug",
        Kind::Bool,
        Json("false"),
        "false",
        "Whether the client gets the traceback in a 500 answer. (The older tool's default was true, which showed source code to strangers.)",
    ),
    Key::new(
        "log_level",
        LOG_LEVELS,
        Json("\"INFO\""),
        "\"INFO\"",
        "The level of the root logger. (The older tool's default was DEBUG, which wrote whole requests into the log.)",
    ),
    Key::new("allow_raw_invoke", Kind::Bool, Json("false"), "false", "Whether `zappa invoke --raw` may run source code in the function."),
];
