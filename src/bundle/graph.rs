//! Who needs whom: which installed distributions a deployment can do without.
//!
//! Out go zappa/Zappa, whose place the shim takes, with what only it pulled in; packaging tools that nobody needs; and, on request, what the
//! runtime brings along for boto3. What the project imports or somebody asked for by name was not "only pulled in".

use std::collections::{BTreeMap, BTreeSet, HashMap};

use pep508_rs::ExtraName;

use super::distributions::Distribution;
use super::markers::Markers;

/// Replaced by the shim.
const OLD_TOOL: &str = "zappa";
/// Put into every environment by those who make them.
const PACKAGING_TOOLS: [&str; 4] = ["pip", "setuptools", "uv", "wheel"];
/// In the managed runtime.
const RUNTIME_BOTO3: [&str; 3] = ["boto3", "botocore", "s3transfer"];

/// What is asked about all distributions together.
pub(super) struct Question<'a> {
    /// All of them, each name once.
    pub(super) distributions: &'a [&'a Distribution],
    /// Top-level names that the project imports.
    pub(super) imported: &'a BTreeSet<String>,
    /// `use_runtime_boto3`
    pub(super) use_runtime_boto3: bool,
    /// What markers mean.
    pub(super) markers: &'a Markers,
}

/// The distributions that stay out, by normalized name, and why.
pub(super) fn left_out(question: &Question<'_>) -> BTreeMap<String, String> {
    let graph = Graph::new(question);
    let boto3: &[&str] = if question.use_runtime_boto3 { &RUNTIME_BOTO3 } else { &[] };
    let never = |key: &str| key == OLD_TOOL || boto3.contains(&key);
    let unwanted = |key: &str| never(key) || PACKAGING_TOOLS.contains(&key);

    let roots = |wanted: &dyn Fn(&str) -> bool| graph.keys().filter(|key| wanted(key)).collect::<Vec<_>>();
    let pulled_in = graph.closure(roots(&unwanted), &|_| false);
    let by_old_tool = graph.closure(roots(&|key| key == OLD_TOOL), &|_| false);
    // Where everything was asked for by name, as with a frozen list, the mark says nothing.
    let is_frozen = by_old_tool.len() > 1
        && by_old_tool.iter().all(|key| *key == OLD_TOOL || graph.get(key).is_some_and(|distribution| distribution.requested));
    let asked_for = |distribution: &Distribution| {
        let key = distribution.key.as_str();
        let by_name = !is_frozen && distribution.requested && !PACKAGING_TOOLS.contains(&key);
        by_name || distribution.modules.iter().any(|module| question.imported.contains(module))
    };
    let kept_roots = roots(&|key| !never(key) && (!pulled_in.contains(key) || graph.get(key).is_some_and(asked_for)));
    let kept = graph.closure(kept_roots, &never);

    let reason = |key: &str| match key {
        OLD_TOOL => "the shim takes its place".to_owned(),
        _ if boto3.contains(&key) => "in the runtime (`use_runtime_boto3`)".to_owned(),
        _ if PACKAGING_TOOLS.contains(&key) => "a packaging tool that nothing needs".to_owned(),
        _ if by_old_tool.contains(key) => "only zappa/Zappa needs it".to_owned(),
        _ if question.use_runtime_boto3 && !pulled_in_by_tools(&graph).contains(key) => {
            "only boto3 needs it (`use_runtime_boto3`)".to_owned()
        }
        _ => "only packaging tools need it".to_owned(),
    };
    graph.keys().filter(|key| !kept.contains(key)).map(|key| (key.to_owned(), reason(key))).collect()
}

fn pulled_in_by_tools<'a>(graph: &Graph<'a>) -> BTreeSet<&'a str> {
    graph.closure(graph.keys().filter(|key| PACKAGING_TOOLS.contains(key)).collect(), &|_| false)
}

struct Graph<'a> {
    distributions: HashMap<&'a str, &'a Distribution>,
    markers: &'a Markers,
}

impl<'a> Graph<'a> {
    fn new(question: &Question<'a>) -> Self {
        let distributions = question.distributions.iter().map(|distribution| (distribution.key.as_str(), *distribution)).collect();
        Self { distributions, markers: question.markers }
    }

    fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.distributions.keys().copied()
    }

    fn get(&self, key: &str) -> Option<&'a Distribution> {
        self.distributions.get(key).copied()
    }

    /// The roots and everything that they need, without what is `closed`.
    fn closure(&self, roots: Vec<&'a str>, closed: &dyn Fn(&str) -> bool) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        // A distribution is visited again for every set of extras that it is wanted with: `A[x]` may need what `A` does not.
        let mut visited = BTreeSet::new();
        let mut waiting: Vec<(&str, Vec<ExtraName>)> = roots.into_iter().map(|root| (root, Vec::new())).collect();
        while let Some((key, extras)) = waiting.pop() {
            let Some((key, distribution)) = self.distributions.get_key_value(key) else { continue };
            if closed(key) || !visited.insert((*key, extras.clone())) {
                continue;
            }
            reached.insert(*key);
            for requirement in distribution.requires.iter().filter(|requirement| self.markers.apply(&requirement.marker, &extras)) {
                if let Some((name, _)) = self.distributions.get_key_value(requirement.name.as_ref()) {
                    waiting.push((name, requirement.extras.clone()));
                }
            }
        }
        reached
    }
}
