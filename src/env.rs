//! The environment variables that this tool reads, by name, in one place. (Settings keys as `ZAPPA_<KEY>` are derived in `settings`.)

/// Prefix under which any settings key can be given: `ZAPPA_MEMORY_SIZE=1024`.
pub const SETTING_PREFIX: &str = "ZAPPA_";
/// Where caches live (dependencies, the local runtime); default: the platform's cache directory.
pub const CACHE_DIR: &str = "ZAPPA_CACHE_DIR";
/// How much of them is kept between runs, the local runtime not counted: `500MB`, `2GiB`.
pub const CACHE_SIZE: &str = "ZAPPA_CACHE_SIZE";
/// The activated virtual environment (set by `activate`).
pub const VIRTUAL_ENV: &str = "VIRTUAL_ENV";
/// The activated conda environment.
pub const CONDA_PREFIX: &str = "CONDA_PREFIX";
/// Its name.
pub const CONDA_DEFAULT_ENV: &str = "CONDA_DEFAULT_ENV";
/// Where uv keeps the project's environment, if not in `.venv`.
pub const UV_PROJECT_ENVIRONMENT: &str = "UV_PROJECT_ENVIRONMENT";
/// The region, as every AWS tool reads it; the first that is set.
pub const AWS_REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
/// Colour off, whatever its value (no-color.org).
pub const NO_COLOR: &str = "NO_COLOR";
/// The locale, in the order in which POSIX asks for it; bars of Unicode blocks are for terminals that are said to show them.
pub const LOCALES: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

/// Set for functions that fetch their dependencies, to where these are and what they are (`shim/zappa/dependencies.py`); never read here.
pub const DEPENDENCIES: &str = "ZAPPA_DEPENDENCIES";

/// `ZAPPA_*` variables that are not settings keys, so that the settings reader does not take them for misspelt ones.
pub const NOT_SETTINGS: [&str; 2] = [CACHE_DIR, CACHE_SIZE];
