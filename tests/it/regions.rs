//! A stage in several regions: built once, sent once, released side by side; what fails in one leaves the others alone.

mod faults;

use serde_json::Value;

use crate::aws_deploy::stage::Stage;
use crate::support::TestProject;
pub(crate) use crate::support::aws::Call;
use crate::support::aws::Fault;
use crate::support::random::Random;

const HOME: &str = "eu-west-1";
const REGIONS: [&str; 3] = [HOME, "us-east-1", "ap-southeast-2"];
const SEVERAL: &str = "aws_regions = [\"eu-west-1\", \"us-east-1\", \"ap-southeast-2\"]\n";

/// A stage in [`REGIONS`], in an account of its own.
fn several(name: &str, settings: &str) -> Stage {
    let stage = Stage::apart(name, &format!("{SEVERAL}{settings}"));
    stage.aws.proxy.regions(&REGIONS);
    stage
}

/// Makes the archive so large that it is not sent to each region by itself.
fn grow(stage: &Stage) {
    let mut random = Random(11);
    let noise: Vec<u8> = (0..2 << 17).flat_map(|_| random.next().to_le_bytes()).collect();
    stage.project.write("data.bin", noise);
}

/// `eu-west-1 created 1` for each region.
fn rows(report: &Value) -> String {
    let row = |row: &Value| {
        let version = row["version"].as_u64().map(|version| format!(" {version}")).unwrap_or_default();
        format!("{} {}{version}\n", row["region"].as_str().unwrap(), row["result"].as_str().unwrap())
    };
    report["regions"].as_array().unwrap().iter().map(row).collect()
}

/// Runs a command with `--json` that ends with `code`; its rows.
#[track_caller]
fn table(stage: &Stage, code: i32, args: &[&str]) -> String {
    let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    rows(&stage.run(&args).expect_code(code).json())
}

fn count_of(stage: &Stage, name: &str) -> usize {
    count(&stage.aws.calls(), name)
}

fn count(calls: &[Call], name: &str) -> usize {
    calls.iter().filter(|call| call.name() == name).count()
}

/// The archives in the stage's bucket.
fn objects(stage: &Stage, region: &str) -> Vec<String> {
    let found = stage.aws.inventory_in(&stage.name, region);
    let objects = found["buckets"].as_array().into_iter().flatten().flat_map(|bucket| bucket["objects"].as_array().into_iter().flatten());
    objects.map(|object| object.as_str().unwrap().to_owned()).collect()
}

/// What the tool has written to AWS, by name.
fn live(stage: &Stage, region: &str) -> String {
    let found = stage.aws.inventory_in(&stage.name, region);
    let alias = &found["functions"][0]["aliases"][0];
    let description = alias["Description"].as_str().unwrap_or_default();
    assert!(!description.contains("lock="), "{alias}");
    if description.contains("released") { alias["FunctionVersion"].as_str().unwrap().to_owned() } else { "nothing".to_owned() }
}

#[test]
fn all_regions_of_the_account_in_one_run_and_the_bundle_leaves_this_machine_once() {
    let all = [
        "ap-northeast-1",
        "ap-south-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-west-2",
    ];
    let stage = Stage::apart("everywhere", "aws_regions = \"all\"\nexclude_regions = [\"us-west-2\"]\n");
    stage.aws.proxy.regions(&all);
    grow(&stage);
    let report = stage.json(&["deploy", "--no-check"]);
    let first = rows(&report);
    assert!(first.starts_with("eu-west-1 created 1\nap-northeast-1 created 1\n"), "{first}");
    assert_eq!(first.matches(" created 1\n").count(), 10, "{first}");
    let calls = stage.aws.calls();
    assert_eq!(count(&calls, "account:ListRegions"), 1);
    assert_eq!(count(&calls, "iam:CreateRole"), 1);
    // App and dependencies.
    assert_eq!((count(&calls, "s3:PutObject"), count(&calls, "s3:CopyObject")), (2, 18));
    let sent: usize = calls.iter().map(|call| call.body.len()).sum();
    let bundle: usize = calls.iter().filter(|call| call.name() == "s3:PutObject").map(|call| call.body.len()).sum();
    assert!(sent < bundle + bundle / 10, "{sent} bytes were sent for a bundle of {bundle}");
    assert_eq!(table(&stage, 0, &["deploy", "--no-check"]).matches(" unchanged 1\n").count(), 10);
    assert_eq!(count(&stage.aws.calls(), "s3:PutObject"), 0);

    assert_eq!(table(&stage, 0, &["undeploy", "--yes", "--remove-logs"]).matches(" removed\n").count(), 10);
    for region in all {
        assert_eq!(stage.aws.inventory_in(&stage.name, region), serde_json::json!({}), "{region}");
    }
    assert_eq!(table(&stage, 0, &["undeploy", "--yes"]).matches(" absent\n").count(), 10);
}

#[test]
fn a_small_bundle_goes_to_each_region_directly() {
    let stage = several("small", "");
    assert_eq!(table(&stage, 0, &["deploy"]), "eu-west-1 created 1\nus-east-1 created 1\nap-southeast-2 created 1\n");
    let calls = stage.aws.calls();
    assert_eq!(calls.iter().filter(|call| call.service == "s3").count(), 0);
    assert_eq!(count(&calls, "account:ListRegions"), 0);
    assert_eq!(count(&calls, "lambda:Invoke"), 3);
}

#[test]
fn the_role_stays_as_long_as_one_region_needs_it() {
    let stage = several("shared", "");
    table(&stage, 0, &["deploy", "--no-check"]);
    let outcome = stage.run(&["undeploy", "--yes", "--remove-logs", "--region", "us-east-1"]).expect_code(0);
    assert!(outcome.stderr.contains("stays: the stage is in ap-southeast-2, eu-west-1, too"), "{}", outcome.stderr);
    assert_eq!(count(&stage.aws.calls(), "iam:DeleteRole"), 0);
    // A region from which somebody else took the function does not hold the role.
    let delete = "import boto3\nboto3.client('lambda', 'ap-southeast-2').delete_function(FunctionName='shared-dev')";
    assert!(stage.aws.python(delete).status().unwrap().success());
    stage.run(&["undeploy", "--yes", "--remove-logs", "--region", HOME]).expect_code(0);
    assert_eq!(count(&stage.aws.calls(), "iam:DeleteRole"), 1);
    table(&stage, 0, &["undeploy", "--yes", "--remove-logs"]);
    for region in REGIONS {
        assert_eq!(stage.aws.inventory_in(&stage.name, region), serde_json::json!({}), "{region}");
    }
}

/// A role takes 50 tags.
#[test]
fn a_role_tells_of_any_number_of_regions() {
    let all: Vec<String> = (1..=36).map(|number| if number == 1 { HOME.to_owned() } else { format!("xx-southeast-{number}") }).collect();
    let tags: Vec<String> = (0..30).map(|number| format!("team-{number} = \"a\"")).collect();
    let lists = |regions: &[String]| format!("aws_regions = {regions:?}\ntags = {{ {} }}\n", tags.join(", "));
    let stage = Stage::apart("crowded", &lists(&all[..3]));
    // All but home refuse whatever is asked, without a word to the stand-in.
    let closed = || {
        stage.aws.clear();
        for region in &all[1..] {
            stage.aws.fault(Fault::error(403, "UnrecognizedClientException", "The security token is invalid").in_region(region));
        }
    };
    let told = || {
        // Inventories leave out what is empty.
        let list = "import boto3, json\nname = 'crowded-dev-ZappaLambdaExecutionRole'\n\
                    print(json.dumps(boto3.client('iam').list_role_tags(RoleName=name)['Tags']))";
        stage.aws.clear();
        let tags: Vec<Value> = serde_json::from_slice(&stage.aws.python(list).output().unwrap().stdout).unwrap();
        assert!(tags.len() <= 50, "{} tags", tags.len());
        let text = |tag: &Value, part: &str| tag[part].as_str().unwrap().to_owned();
        let regions = tags.iter().filter_map(|tag| Some((text(tag, "Key").strip_prefix("zappa:region:")?.to_owned(), text(tag, "Value"))));
        let regions: Vec<(String, String)> = regions.collect();
        assert!(regions.iter().all(|(_, more)| more.len() <= 256));
        let mut names: Vec<String> =
            regions.iter().flat_map(|(first, more)| std::iter::once(first.as_str()).chain(more.split(' '))).map(str::to_owned).collect();
        names.retain(|name| !name.is_empty());
        names.sort();
        (regions.len(), names)
    };
    let sorted = |regions: &[String]| {
        let mut regions = regions.to_vec();
        regions.sort();
        regions
    };
    closed();
    stage.project.zappa(["deploy", "--no-check"]).expect_code(0);
    assert_eq!(told(), (3, sorted(&all[..3])));
    // More of them than there is room for by themselves: some share a tag.
    stage.settings(&format!("{}memory_size = 256\nlog_retention_days = 7\n", lists(&all)));
    closed();
    stage.project.zappa(["deploy", "--no-check"]).expect_code(0);
    let (count, names) = told();
    assert_eq!(names, sorted(&all));
    assert!(count < 10, "{count}");
    stage.aws.clear();
    // None of the others has the stage.
    closed();
    stage.project.zappa(["undeploy", "--yes", "--remove-logs", "--region", HOME]).expect_code(0);
    assert_eq!(count_of(&stage, "iam:DeleteRole"), 1);
}

#[test]
fn events_fire_at_home_and_keep_warm_everywhere() {
    let events = "events = [{ function = \"app.app\", expression = \"rate(1 day)\", name = \"nightly\" }, \
                  { function = \"app.app\", expression = \"rate(1 hour)\", name = \"hourly\", every_region = true }]\n";
    let stage = several("timed", events);
    table(&stage, 0, &["deploy", "--no-check"]);
    let names = |region: &str| {
        let status = stage.json(&["status", "--region", region]);
        let mut names: Vec<String> =
            status["schedules"].as_array().unwrap().iter().map(|schedule| schedule["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(names(HOME), "hourly nightly zappa-keep-warm");
    assert_eq!(names("us-east-1"), "hourly zappa-keep-warm");
    // One region of several by itself does not become home.
    stage.version("two");
    stage.run(&["update", "--no-check", "--region", "us-east-1"]).expect_code(0);
    assert_eq!(names("us-east-1"), "hourly zappa-keep-warm");
    assert_eq!(table(&stage, 0, &["unschedule"]), "eu-west-1 updated\nus-east-1 updated\nap-southeast-2 updated\n");
    assert_eq!(names(HOME), "");
    assert_eq!(table(&stage, 0, &["schedule"]), "eu-west-1 updated\nus-east-1 updated\nap-southeast-2 updated\n");
    assert_eq!(names("ap-southeast-2"), "hourly zappa-keep-warm");
}

#[test]
fn rollback_goes_by_code_and_status_shows_who_differs() {
    let stage = several("back", "");
    table(&stage, 0, &["deploy", "--no-check"]);
    stage.version("two");
    stage.run(&["update", "--no-check", "--region", "us-east-1"]).expect_code(0);
    stage.version("three");
    assert_eq!(table(&stage, 0, &["update", "--no-check"]), "eu-west-1 updated 2\nus-east-1 updated 3\nap-southeast-2 updated 2\n");
    assert_eq!(table(&stage, 0, &["rollback"]), "eu-west-1 rolled_back 1\nus-east-1 rolled_back 1\nap-southeast-2 rolled_back 1\n");
    assert_eq!(
        table(&stage, 0, &["rollback", "--to", "2"]),
        "eu-west-1 rolled_back 2\nus-east-1 rolled_back 3\nap-southeast-2 rolled_back 2\n"
    );
    assert_eq!(table(&stage, 0, &["rollback", "--to", "2"]), "eu-west-1 unchanged 2\nus-east-1 unchanged 3\nap-southeast-2 unchanged 2\n");

    stage.version("four");
    stage.run(&["update", "--no-check", "--region", HOME]).expect_code(0);
    let report = stage.json(&["status", "--all-regions"]);
    let drift: Vec<&Value> = report["regions"].as_array().unwrap().iter().map(|row| &row["drift"]).collect();
    let other = serde_json::json!(["code of eu-west-1"]);
    assert_eq!(drift, [&Value::Null, &other, &other]);
    // What the file says differently is another matter.
    stage.settings(&format!("{SEVERAL}memory_size = 256\n"));
    let report = stage.json(&["status", "--all-regions"]);
    let drift = report["regions"].as_array().unwrap().iter().map(|row| row["drift"].to_string()).collect::<Vec<_>>();
    assert!(drift.iter().all(|drift| drift.contains("memory_size")) && drift[1].contains("code of eu-west-1"), "{drift:?}");
    let text = stage.run(&["status", "--all-regions"]).expect_code(0).stdout;
    assert!(text.contains("differs in"), "{text}");
    // Home goes back; a region that never had what home has now has nothing to go back to.
    let lost = stage.run(&["rollback", "--to", "3", "--json"]).expect_code(1).json();
    assert_eq!(rows(&lost), "eu-west-1 unchanged 3\nus-east-1 failed\nap-southeast-2 failed\n");
    assert!(lost["regions"][1]["hints"][0].as_str().unwrap().contains("`zappa deploy` brings it"));
}

#[test]
fn calls_and_logs_of_all_regions() {
    let stage = several("called", "");
    stage.project.write("jobs.py", "def hello(event, context):\n    print('hello from', context.function_name)\n    return 'hi'\n");
    table(&stage, 0, &["deploy", "--no-check"]);
    let outcome = stage.run(&["invoke", "jobs.hello"]).expect_code(0);
    assert_eq!(outcome.stdout, "eu-west-1\n\"hi\"\nus-east-1\n\"hi\"\nap-southeast-2\n\"hi\"\n");
    let logs = stage.run(&["tail", "--no-follow", "--filter", "hello from"]).expect_code(0).stdout;
    let mut regions: Vec<&str> = logs.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    regions.sort_unstable();
    assert_eq!(regions, ["ap-southeast-2", "eu-west-1", "us-east-1"]);
    // For programs.
    let called = stage.json(&["invoke", "jobs.hello"]);
    let answers =
        called["regions"].as_array().unwrap().iter().map(|one| (one["region"]["region"].clone(), one["answer"]["result"].clone()));
    assert_eq!(answers.collect::<Vec<_>>(), REGIONS.map(|region| (region.into(), "hi".into())));
    let logs = stage.run(&["tail", "--no-follow", "--filter", "hello from", "--json"]).expect_code(0).stdout;
    let events: Vec<Value> = logs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 6, "{logs}");
    assert!(REGIONS.iter().all(|region| events.iter().filter(|event| event["region"] == *region).count() == 2), "{logs}");
}

/// What is fetched is kept in each region's own bucket for as long as a version wants it.
#[test]
fn dependencies_to_be_fetched_are_sent_once_and_lie_in_every_region() {
    let stage = several("fetching", "slim_handler = true\nnum_retained_versions = 1\n");
    stage.depend("1.0");
    grow(&stage);
    assert_eq!(table(&stage, 0, &["deploy"]).matches(" created 1\n").count(), 3);
    // The app's own archive as well, which nobody needs any more.
    assert_eq!((count_of(&stage, "s3:PutObject"), count_of(&stage, "s3:CopyObject")), (2, 4));
    let kept = REGIONS.map(|region| objects(&stage, region));
    assert!(kept.iter().all(|objects| objects.len() == 1 && objects[0].starts_with("zappa-dependencies/")), "{kept:?}");
    for region in REGIONS {
        // Their own region's, which the inventory writes so.
        let found = stage.aws.inventory_in(&stage.name, region)["functions"][0]["configuration"]["Environment"].to_string();
        assert!(found.contains("-[region]/zappa-dependencies/"), "{found}");
    }
    assert_eq!(table(&stage, 0, &["deploy"]).matches(" unchanged 1\n").count(), 3);

    // The region that misses the next ones finds them at home.
    stage.depend("2.0");
    stage.aws.clear();
    stage.aws.fault(Fault::denied().on("lambda:UpdateFunctionConfiguration").in_region("us-east-1"));
    stage.project.zappa(["deploy"]).expect_code(1);
    assert_eq!(table(&stage, 0, &["deploy"]), "eu-west-1 unchanged 2\nus-east-1 updated 2\nap-southeast-2 unchanged 2\n");
    assert_eq!(count_of(&stage, "s3:PutObject"), 0);
    let next = REGIONS.map(|region| objects(&stage, region));
    assert!(next.iter().all(|objects| objects.len() == 1), "{next:?}");
    table(&stage, 0, &["undeploy", "--yes", "--remove-logs"]);
    for region in REGIONS {
        assert_eq!(stage.aws.inventory_in(&stage.name, region), serde_json::json!({}), "{region}");
    }
}

#[test]
fn flags_choose_regions() {
    let stage = Stage::apart("chosen", "");
    stage.aws.proxy.regions(&["eu-west-1", "eu-west-3", "us-east-1"]);
    // One region is as ever.
    let one = stage.json(&["deploy", "--no-check", "--region", "eu-west-3"]);
    assert_eq!(one["version"], 1);
    let two = ["--region", "us-east-1", "--region", "eu-west-3"];
    assert_eq!(
        table(&stage, 0, &[["deploy", "--no-check"].as_slice(), two.as_slice()].concat()),
        "us-east-1 created 1\neu-west-3 unchanged 1\n"
    );
    // Of all regions, the stage need not be in each.
    stage.version("two");
    assert_eq!(
        table(&stage, 0, &["update", "--no-check", "--all-regions"]),
        "eu-west-1 absent\neu-west-3 updated 2\nus-east-1 updated 2\n"
    );
    let refused = stage.run(&["status", "local", "--all-regions"]).expect_code(2);
    assert!(refused.stderr.contains("this machine is in no region"), "{}", refused.stderr);
    let wrong = stage.run(&["status", "--region", "europe"]).expect_code(2);
    assert!(wrong.stderr.contains("`europe` is not an AWS region"), "{}", wrong.stderr);
}

#[test]
fn a_new_project_says_its_regions() {
    let project =
        || TestProject::new().file("app.py", "from flask import Flask\napp = Flask(__name__)\n").file("requirements.txt", "flask\n");
    let regions = |flags: &[&str]| {
        let project = project();
        project.zappa([&["init", "--yes"], flags].concat()).expect_code(0);
        let text = std::fs::read_to_string(project.root().join("zappa_settings.toml")).unwrap();
        project.zappa(["settings", "dev"]).expect_code(0);
        text.lines().filter(|line| line.starts_with("aws_region")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        regions(&["--region", "eu-west-1", "--region", "us-east-1"]),
        "aws_region = \"eu-west-1\"\naws_regions = [\"eu-west-1\",\"us-east-1\"]"
    );
    assert_eq!(regions(&["--region", "eu-west-1", "--all-regions"]), "aws_region = \"eu-west-1\"\naws_regions = \"all\"");
    assert_eq!(regions(&["--region", "eu-west-1"]), "aws_region = \"eu-west-1\"");
}

#[test]
fn what_a_deployer_needs_holds_for_all_regions() {
    let stage = several("allowed", "s3_bucket = \"home-archives\"\n");
    let policy = stage.json(&["template", "--part", "deployer"]);
    let statement = |sid: &str| policy["Statement"].as_array().unwrap().iter().find(|statement| statement["Sid"] == sid).unwrap().clone();
    assert_eq!(statement("ListRegions")["Action"], serde_json::json!(["account:ListRegions"]));
    assert_eq!(statement("Bucket")["Resource"], serde_json::json!(["arn:aws:s3:::home-archives", "arn:aws:s3:::zappa-allowed-*-*"]));
    assert!(policy.to_string().contains("arn:aws:lambda:*:*:function:allowed-dev"), "{policy}");
    assert!(!policy.to_string().contains(HOME), "{policy}");
}

#[test]
fn a_dry_run_says_what_each_region_would_get() {
    let stage = several("dry", "");
    assert_eq!(table(&stage, 0, &["deploy", "--dry-run"]), "eu-west-1 created\nus-east-1 created\nap-southeast-2 created\n");
    assert_eq!(stage.aws.inventory_in(&stage.name, HOME), serde_json::json!({}));
    stage.run(&["deploy", "--no-check", "--region", HOME]).expect_code(0);
    let text = stage.run(&["deploy", "--dry-run"]).expect_code(0).stdout;
    assert!(text.starts_with("dry-dev: nothing was done; a deployment would do this: 3 regions, 1 unchanged, 2 created\n"), "{text}");
}

/// Ctrl-C while a region holds its lock: that one is finished, those that wait for their turn do not begin.
#[cfg(unix)]
#[test]
fn ctrl_c_finishes_what_is_half_done() {
    let stage = several("stopped", "");
    let mut command = stage.project.command(["deploy", "--no-check", "--jobs", "1", "--json"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut run = command.spawn().unwrap();
    let id = run.id().to_string();
    stage.aws.proxy.on_first("lambda:CreateFunction", move || {
        assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    });
    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut run.stderr.take().unwrap(), &mut stderr).unwrap();
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = rows(&report);
    assert_eq!((rows.matches(" created 1\n").count(), rows.matches(" stopped\n").count()), (1, 2), "{rows}{stderr}");
    assert!(stderr.contains("interrupted: what is half done is finished; once more ends at once"), "{stderr}");
    let again = table(&stage, 0, &["deploy", "--no-check"]);
    assert_eq!((again.matches(" created 1\n").count(), again.matches(" unchanged 1\n").count()), (2, 1), "{again}");
}
