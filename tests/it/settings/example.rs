//! `settings.example.toml`: written from the schema, so that no key is missing; and every line of it holds when it is uncommented.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expect_test::expect_file;
use zappa::settings::{Group, Key, Request, groups, keys, load};

use super::toml;

const INTRODUCTION: &str = "\
# Every setting of `zappa_settings.toml`, with what it takes and what holds where it is left out.
#
# A table is a stage. Lines that begin with `#` and a name are settings that can be uncommented as they are.
# The same keys work in `zappa_settings.json` (comments and trailing commas allowed) and `zappa_settings.yaml` or `.yml`;
# a directory has one of these files.
#
# What holds, from the strongest to the weakest: a flag of the command; an environment variable, `ZAPPA_` and the key in
# capitals (`ZAPPA_MEMORY_SIZE=1024`, lists and tables as JSON, empty means not set); the stage; the stages that it
# extends, nearest first; the default. Tables and lists replace inherited ones as a whole. An empty text takes back an
# inherited text. `zappa settings STAGE` prints what holds and where it comes from.
#
# The stage `local` needs no table: it is the first stage of this file, on this machine.
";

const REST: &str = "
[production]
extends = \"dev\"
";

/// Keys that say that they need another one.
const NEEDS: [(&str, &str); 1] = [("efs_config", "vpc_config")];

/// Files that examples name.
const POLICIES: [&str; 2] = ["policy.json", "trust.json"];

/// Where the prose is wrapped.
const WIDTH: usize = 118;

#[test]
fn documents_every_key() {
    expect_file!["../../../settings.example.toml"].assert_eq(&example());
    let text = example();
    for key in keys() {
        let name = key.name();
        assert!(text.lines().any(|line| line.trim_start_matches('#').starts_with(&format!("{name} = "))), "`{name}` is not documented");
    }
}

#[test]
fn loads_as_it_is() {
    let project = toml(&example());
    project.zappa(["settings", "dev"]).expect_code(0);
    project.zappa(["settings", "production"]).expect_code(0);
}

#[test]
fn every_line_can_be_uncommented() {
    let text = example();
    let lines: Vec<&str> = text.lines().collect();
    let mut tried = 0;
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = commented_key(line) else { continue };
        let mut uncommented = lines.clone();
        uncommented[index] = &line[1..];
        if let Some((_, other)) = NEEDS.iter().find(|(needy, _)| *needy == name) {
            let other = lines.iter().position(|line| commented_key(line) == Some(other)).unwrap();
            uncommented[other] = &lines[other][1..];
        }
        let project = POLICIES.iter().fold(toml(&uncommented.join("\n")), |project, file| project.file(file, "{\"Statement\": []}"));
        for stage in ["dev", "production", "local"] {
            let request = Request { stage: Some(stage.to_owned()), ..Request::default() };
            let settings = load(project.root(), &request, &BTreeMap::new()).unwrap_or_else(|error| panic!("{line}\n{error}"));
            if let Some(value) = settings.values.iter().find(|value| value.key == name) {
                assert_ne!(value.origin, zappa::settings::Origin::Default, "{name}");
            }
        }
        tried += 1;
    }
    // `extends` stands in the second table, uncommented.
    assert_eq!(tried, keys().count() - 1);
}

#[test]
fn documented_defaults_are_the_real_ones() {
    let project = toml("[dev]\n");
    let settings = load(project.root(), &Request::default(), &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"));
    for value in &settings.values {
        let key = keys().find(|key| key.name() == value.key).unwrap();
        match key.default_words() {
            None => assert!(value.value.is_null(), "{}", value.key),
            // These depend on the project or stage, and are described.
            Some(_) if ["project_name", "target", "runtime"].contains(&value.key) => {}
            Some(literal) => assert_eq!(serde_json::from_str::<serde_json::Value>(literal).unwrap(), value.value, "{}", value.key),
        }
    }
}

/// Every key that zappa/Zappa 0.63 reads.
#[test]
fn knows_every_key_of_the_older_tool() {
    let old = "additional_text_mimetypes alb_enabled alb_vpc_config api_key api_key_required apigateway_description apigateway_enabled \
        apigateway_lambda_qualifier apigateway_policy apigateway_version app_function app_type architecture assume_policy async_resources \
        async_response_table async_response_table_read_capacity async_response_table_write_capacity async_source attach_policy authorizer \
        aws_endpoint_urls aws_environment_variables aws_kms_key_arn aws_region base_path binary_support bot_events cache_cluster_enabled \
        cache_cluster_encrypted cache_cluster_size cache_cluster_ttl callbacks certificate certificate_arn certificate_chain certificate_key \
        cloudwatch_data_trace cloudwatch_log_level cloudwatch_metrics_enabled cognito context_header_mappings cors dead_letter_arn debug \
        delete_local_zip delete_s3_zip delete_zip django_settings domain efs_config endpoint_configuration environment_variables \
        ephemeral_storage events exception_handler exclude exclude_glob extends extra_permissions function_url_cloudfront_config \
        function_url_config function_url_domains function_url_enabled iam_authorization include keep_warm keep_warm_expression \
        lambda_concurrency lambda_description lambda_handler layers lets_encrypt_key log_level manage_roles memory_size \
        num_retained_versions payload_compression payload_minimum_compression_size prebuild_script profile_name project_name \
        provisioned_concurrency remote_env remote_env_bucket remote_env_file role_arn role_name route53_enabled runtime s3_bucket \
        settings_file slim_handler snap_start tags timeout_seconds touch touch_path use_apigateway use_precompiled_packages vpc_config \
        websocket_handler_module xray_tracing";
    let missing: Vec<&str> = old.split_whitespace().filter(|name| !keys().any(|key| key.name() == *name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
    assert_eq!(old.split_whitespace().count(), 103);
}

fn commented_key(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix('#')?.split_once(" = ")?;
    (!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')).then_some(name)
}

fn example() -> String {
    let mut text = format!("{INTRODUCTION}\n[dev]\n");
    for Group { title, keys } in groups() {
        let _ = write!(text, "\n# ---- {title} {}\n", "-".repeat(WIDTH - title.len() - 8));
        for key in *keys {
            text.push('\n');
            text.push_str(&wrapped(key.doc()));
            text.push_str(&wrapped(&facts(key)));
            if key.name() == "extends" {
                text.push_str("# (The second table of this file has one.)\n");
            } else {
                let _ = writeln!(text, "#{} = {}", key.name(), key.example());
            }
        }
    }
    text.push_str(REST);
    text
}

fn facts(key: &Key) -> String {
    let default = key.default_words().map_or_else(|| "unset".to_owned(), in_toml);
    let mut prose = format!("Takes {}. Default: {default}.", key.allowed());
    if let Some(support) = key.support_words() {
        let _ = write!(prose, " {support}");
    }
    if key.is_secret() {
        prose.push_str(" Never printed.");
    }
    prose
}

/// A default as this file would write it.
fn in_toml(words: &str) -> String {
    match serde_json::from_str::<toml::Value>(words) {
        Ok(toml::Value::Table(table)) if !table.is_empty() => toml::Value::Table(table).to_string(),
        _ => words.to_owned(),
    }
}

fn wrapped(prose: &str) -> String {
    let mut text = String::new();
    let mut line = "#".to_owned();
    for word in prose.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{line}");
            line = "#".to_owned();
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
    text
}
