//! What goes into the bundle.

use super::Preset::Json;
use super::{Key, Kind};

const PATTERNS: Kind = Kind::List(&Kind::Text);

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "exclude",
        PATTERNS,
        Json("[]"),
        "[\"*.sqlite3\"]",
        "Files and directories to leave out, as patterns on their own names, in project and dependencies.",
    ),
    Key::new(
        "exclude_glob",
        PATTERNS,
        Json("[]"),
        "[\"docs/**\"]",
        "Files to leave out, as globs on their paths relative to the root; `**` crosses directories.",
    ),
    Key::new("include", PATTERNS, Json("[]"), "[\"data/*.json\"]", "Globs of files to take in although a default exclusion names them."),
    Key::new(
        "use_runtime_boto3",
        Kind::Bool,
        Json("false"),
        "true",
        "Whether `boto3` and what belongs to it are left out, because the runtime has its own.",
    ),
    Key::new(
        "slim",
        Kind::Choice(&["none", "safe", "max"]),
        Json("\"safe\""),
        "\"max\"",
        "How much of the dependencies is left out: nothing; what nothing in the bundle refers to (tests, type stubs, C sources); besides, what only \
         documentation reads, and the symbols of shared objects, where only debuggers read them.",
    ),
    Key::new(
        "dependencies_layer",
        Kind::Bool,
        Json("true"),
        "true",
        "Whether dependencies travel as a layer of their own, uploaded only when they change.",
    ),
    Key::new(
        "use_precompiled_packages",
        Kind::Bool,
        Json("true"),
        "true",
        "Whether native code that does not run on Lambda is replaced by wheels of the same version that do.",
    ),
    Key::new(
        "slim_handler",
        Kind::Bool,
        Json("false"),
        "false",
        "Whether the function fetches its dependencies when it starts, from S3: for bundles that are larger than Lambda takes. `ephemeral_storage` has \
         to have room for them.",
    ),
    Key::new("delete_local_zip", Kind::Bool, Json("true"), "true", "Whether the archive is deleted after the upload.")
        .not_yet(&[], "`zappa package` writes an archive to keep"),
    Key::new("delete_zip", Kind::Bool, Json("true"), "true", "Whether the archive is deleted after the upload.")
        .alias_of("delete_local_zip"),
    Key::new("delete_s3_zip", Kind::Bool, Json("true"), "true", "Whether the uploaded archive is deleted once the function has it.").aws(),
];
