//! Names of EventBridge rules, by the library.

use std::collections::BTreeSet;

use zappa::schedule::{rule_name, rule_prefix};

fn is_rule_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

#[test]
fn what_fits_is_the_names_themselves() {
    assert_eq!(rule_name("shop-prod", "keep-warm"), "shop-prod.keep-warm");
    assert_eq!(rule_name("shop-prod", "shop.tasks.nightly-2"), "shop-prod.shop.tasks.nightly-2");
    assert_eq!(rule_prefix("shop-prod"), "shop-prod.");
    let function = "f".repeat(43);
    let schedule = "s".repeat(20);
    assert_eq!(rule_name(&function, &schedule), format!("{function}.{schedule}"));
}

#[test]
fn what_is_too_long_stays_readable_and_is_the_same_every_time() {
    let function = "shop-production-europe-with-a-rather-long-name-of-its-own";
    assert_eq!(rule_prefix(function), "shop-production-europe-with-a-rath-37e62d8c.");
    assert_eq!(rule_name(function, "keep-warm"), "shop-production-europe-with-a-rath-37e62d8c.keep-warm");
    assert_eq!(
        rule_name("shop-prod", "shop.orders.background.tasks.reports.send_the_nightly_report"),
        "shop-prod.shop.orders.background.tasks.reports.send_the-17227e33"
    );
}

#[test]
fn every_rule_is_found_by_the_prefix_of_its_function_and_no_two_are_one() {
    let functions: Vec<String> = (1..=64).flat_map(|length| [format!("{:a<length$}", ""), format!("{:b<length$}", "")]).collect();
    let schedules: Vec<String> =
        (1..=64).flat_map(|length| [format!("{:x<length$}", ""), format!("{:y>length$}", "z"), format!("{:.<length$}", "_")]).collect();
    for function in &functions {
        let prefix = rule_prefix(function);
        let mut names = BTreeSet::new();
        for schedule in &schedules {
            let name = rule_name(function, schedule);
            assert!(is_rule_name(&name) && name.starts_with(&prefix), "{name}");
            names.insert(name);
        }
        // Of one character each, two of the three are the same word.
        assert_eq!(names.len(), schedules.iter().collect::<BTreeSet<_>>().len(), "{function}");
    }
    let prefixes: BTreeSet<String> = functions.iter().map(|function| rule_prefix(function)).collect();
    assert_eq!(prefixes.len(), functions.len());
}

#[test]
fn what_a_rule_may_not_be_called_is_replaced() {
    let name = rule_name("shop-prod", "nächtlich/alles");
    assert!(is_rule_name(&name) && name.starts_with("shop-prod.n-chtlich-alles-"), "{name}");
    assert_ne!(name, rule_name("shop-prod", "nöchtlich/alles"));
}
