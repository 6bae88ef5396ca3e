//! What `--help` says, of the tool and of every command.

use expect_test::expect_file;

use crate::support::TestProject;

const COMMANDS: [&str; 16] = [
    "init",
    "deploy",
    "update",
    "serve",
    "rollback",
    "undeploy",
    "package",
    "status",
    "tail",
    "invoke",
    "manage",
    "schedule",
    "unschedule",
    "cache",
    "certify",
    "settings",
];

/// Options that every command takes are shown once, with the tool's own help.
#[test]
fn every_command_explains_itself() {
    let project = TestProject::new();
    let mut text = project.zappa(["--help"]).expect_code(0).stdout;
    for command in COMMANDS {
        let help = project.zappa([command, "--help"]).expect_code(0).stdout;
        let (own, rest) = help.split_once("Global options:").unwrap();
        let (global, after) = rest.split_once("\n\n").unwrap_or((rest, ""));
        assert!(text.contains(global.trim()), "`{command}` takes other options than the rest:\n{global}");
        assert!(text.contains(&format!("\n  {command} ")), "`{command}` is not in the list");
        text = format!("{text}\n---- zappa {command} ----\n{}\n{after}", own.trim_end());
    }
    expect_file!["help.txt"].assert_eq(&text);
}
