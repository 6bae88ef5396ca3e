//! What calls the function besides visitors: the health check, schedules, events, tasks.

use super::Preset::{Json, Unset};
use super::words;
use super::{Field, Key, Kind};

pub(super) const CHECK_KEYS: &[Key] = &[
    Key::new(
        "touch",
        Kind::Either(&Kind::Bool, &words::PATH),
        Json("true"),
        "true",
        "Whether a new version must answer a request before it goes live; a path instead of `true` is the same as `touch_path`.",
    ),
    Key::new("touch_path", words::PATH, Json("\"/\""), "\"/health\"", "The path that this request asks for."),
];

const EVENT: &[Field] = &[
    Field::new("function", words::FUNCTION).required(),
    Field::new("expression", words::EXPRESSION),
    Field::new("expressions", Kind::List(&words::EXPRESSION)),
    Field::new("name", words::SCHEDULE_NAME),
    Field::new("description", Kind::Text),
    Field::new("kwargs", Kind::Map(&Kind::Any)),
    Field::new("enabled", Kind::Bool),
    Field::new("every_region", Kind::Bool),
    Field::new("event_source", Kind::Any).not_yet(),
];

const EVENT_TABLE: Kind = Kind::Table(EVENT);

pub(super) const KEYS: &[Key] = &[
    Key::new("keep_warm", Kind::Bool, Json("true"), "false", "Whether one environment is kept warm by calling it regularly."),
    Key::new("keep_warm_expression", words::INTERVAL, Json("\"rate(4 minutes)\""), "\"rate(5 minutes)\"", "How often."),
    Key::new(
        "events",
        Kind::List(&EVENT_TABLE),
        Json("[]"),
        "[{ function = \"shop.tasks.nightly\", expression = \"cron(0 3 * * ? *)\" }]",
        "Functions that run on a schedule: `rate(...)`, `cron(...)` (UTC, six fields) or, on the local target only, `at(...)`. Several \
         `expressions` are several schedules. A stage in several regions fires them at home only, or with `every_region = true` in each.",
    ),
    Key::new("bot_events", Kind::List(&Kind::Any), Json("[]"), "[]", "Functions that Lex bots call.").not_yet(&[], ""),
    Key::new("cognito", Kind::Map(&Kind::Any), Json("{}"), "{}", "Functions that a Cognito user pool calls.").not_yet(&[], ""),
];

const CAPACITY: Kind = Kind::Integer(1, 40_000);

pub(super) const TASK_KEYS: &[Key] = &[
    Key::new("async_source", Kind::Choice(&["lambda", "sns"]), Json("\"lambda\""), "\"lambda\"", "How tasks reach the function.")
        .not_yet(&[], "tasks go straight to the function"),
    // Without a topic and a table, which are refused, both values ask for nothing.
    Key::new("async_resources", Kind::Bool, Json("true"), "true", "Whether topic and table are made.").not_yet(&["false"], ""),
    Key::new("async_response_table", Kind::Text, Unset, "\"\"", "The DynamoDB table that keeps what tasks return.").not_yet(&[], ""),
    Key::new("async_response_table_read_capacity", CAPACITY, Json("1"), "1", "Read capacity of that table.").not_yet(&[], ""),
    Key::new("async_response_table_write_capacity", CAPACITY, Json("1"), "1", "Write capacity of that table.").not_yet(&[], ""),
];
