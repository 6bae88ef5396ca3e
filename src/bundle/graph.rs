//! Who needs whom: which installed distributions a deployment can do without, and why it holds the others.
//!
//! Out go zappa/Zappa, whose place the shim takes, with what only it pulled in; packaging tools that nobody needs; and, on request, what the
//! runtime brings along for boto3. What the project imports or somebody asked for by name was not "only pulled in".

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

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
    /// Top-level names that are imported, and by whom: what follows "because".
    pub(super) imported: &'a BTreeMap<String, String>,
    /// `use_runtime_boto3`
    pub(super) use_runtime_boto3: bool,
    /// What markers mean.
    pub(super) markers: &'a Markers,
}

/// The answer, by normalized name.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// The distributions that stay out, and why.
    pub(super) left_out: BTreeMap<String, String>,
    /// The others, and why.
    pub(super) kept: BTreeMap<String, String>,
    /// Who requires whom, whether they stay or not.
    pub(super) required_by: BTreeMap<String, Vec<String>>,
}

/// Decides about all distributions.
pub(super) fn judge(question: &Question<'_>) -> Verdict {
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
    let by_name =
        |distribution: &Distribution| !is_frozen && distribution.requested && !PACKAGING_TOOLS.contains(&distribution.key.as_str());
    let importer = |distribution: &Distribution| distribution.modules.iter().find_map(|module| question.imported.get(module));
    let asked_for = |distribution: &Distribution| by_name(distribution) || importer(distribution).is_some();
    let kept_roots = roots(&|key| !never(key) && (!pulled_in.contains(key) || graph.get(key).is_some_and(asked_for)));
    let kept = graph.closure(kept_roots, &never);

    let tools = graph.closure(roots(&|key| PACKAGING_TOOLS.contains(&key)), &|_| false);
    let reason = |key: &str| match key {
        OLD_TOOL => "the shim takes its place".to_owned(),
        _ if boto3.contains(&key) => "in the runtime (`use_runtime_boto3`)".to_owned(),
        _ if PACKAGING_TOOLS.contains(&key) => "a packaging tool that nothing needs".to_owned(),
        _ if by_old_tool.contains(key) => "only zappa/Zappa needs it".to_owned(),
        _ if question.use_runtime_boto3 && !tools.contains(key) => "only boto3 needs it (`use_runtime_boto3`)".to_owned(),
        _ => "only packaging tools need it".to_owned(),
    };
    let imported = |key: &str| graph.get(key).and_then(importer).cloned();
    let named = |key: &str| graph.get(key).is_some_and(by_name).then(|| "it was installed by name".to_owned());
    let required_by = graph.required_by();
    let alone = |key: &str| (!required_by.contains_key(key)).then(|| "it is in the environment, and nothing there requires it".to_owned());
    let circle = |_: &str| Some("others in the environment require it".to_owned());
    Verdict {
        left_out: graph.keys().filter(|key| !kept.contains(key)).map(|key| (key.to_owned(), reason(key))).collect(),
        kept: graph.reasons(&kept, &[&imported, &named, &alone, &circle]),
        required_by,
    }
}

/// Says why a distribution is wanted for its own sake.
type Why<'w> = dyn Fn(&str) -> Option<String> + 'w;

struct Graph<'a> {
    distributions: HashMap<&'a str, &'a Distribution>,
    markers: &'a Markers,
}

impl<'a> Graph<'a> {
    fn new(question: &Question<'a>) -> Self {
        let distributions = question.distributions.iter().map(|distribution| (distribution.key.as_str(), *distribution)).collect();
        Self { distributions, markers: question.markers }
    }

    /// In the order of names, so that a reason is the same on every run.
    fn keys(&self) -> impl Iterator<Item = &'a str> {
        let keys: BTreeSet<&'a str> = self.distributions.keys().copied().collect();
        keys.into_iter()
    }

    fn get(&self, key: &str) -> Option<&'a Distribution> {
        self.distributions.get(key).copied()
    }

    /// The roots and everything that they need, without what is `closed`.
    fn closure(&self, roots: Vec<&'a str>, closed: &dyn Fn(&str) -> bool) -> BTreeSet<&'a str> {
        let mut reached = BTreeMap::new();
        self.reach(roots, closed, &mut reached);
        reached.into_keys().collect()
    }

    /// Adds to `reached` the roots and everything that they need, each with the one that needs it, by the shortest way.
    fn reach(&self, roots: Vec<&'a str>, closed: &dyn Fn(&str) -> bool, reached: &mut BTreeMap<&'a str, Option<&'a str>>) {
        // A distribution is visited again for every set of extras that it is wanted with: `A[x]` may need what `A` does not.
        let mut visited = BTreeSet::new();
        let mut waiting: VecDeque<(&str, Vec<ExtraName>, Option<&'a str>)> =
            roots.into_iter().map(|root| (root, Vec::new(), None)).collect();
        while let Some((key, extras, parent)) = waiting.pop_front() {
            let Some((key, distribution)) = self.distributions.get_key_value(key) else { continue };
            if closed(key) || !visited.insert((*key, extras.clone())) {
                continue;
            }
            reached.entry(*key).or_insert(parent);
            for requirement in distribution.requires.iter().filter(|requirement| self.markers.apply(&requirement.marker, &extras)) {
                if let Some((name, _)) = self.distributions.get_key_value(requirement.name.as_ref()) {
                    waiting.push_back((name, requirement.extras.clone(), Some(*key)));
                }
            }
        }
    }

    /// Why each of `kept` is there: because of itself, for the first of `grounds` that says so, or because of one that is.
    fn reasons(&self, kept: &BTreeSet<&'a str>, grounds: &[&Why<'_>]) -> BTreeMap<String, String> {
        let mut reached = BTreeMap::new();
        let mut own = BTreeMap::new();
        for ground in grounds {
            let roots = kept.iter().filter(|key| !reached.contains_key(**key)).filter_map(|key| Some((*key, ground(key)?)));
            let roots: BTreeMap<&str, String> = roots.collect();
            self.reach(roots.keys().copied().collect(), &|key| !kept.contains(key), &mut reached);
            own.extend(roots);
        }
        let reason = |key: &&'a str| {
            let chain: Vec<&str> = std::iter::successors(Some(*key), |key| reached.get(key).copied().flatten()).collect();
            let label = |key: &&str| self.get(key).map(|distribution| format!("needed by {}", distribution.label()));
            let needed: Vec<String> = chain.iter().skip(1).filter_map(label).collect();
            let ground = chain.last().and_then(|root| own.get(root)).cloned().unwrap_or_default();
            let reason = if needed.is_empty() { ground } else { format!("{} ({ground})", needed.join(", ")) };
            ((*key).to_owned(), reason)
        };
        kept.iter().map(reason).collect()
    }

    fn required_by(&self) -> BTreeMap<String, Vec<String>> {
        let mut required_by = BTreeMap::<String, Vec<String>>::new();
        for distribution in self.keys().filter_map(|key| self.get(key)) {
            for requirement in distribution.requires.iter().filter(|requirement| self.markers.apply(&requirement.marker, &[])) {
                if self.distributions.contains_key(requirement.name.as_ref()) {
                    let list = required_by.entry(requirement.name.to_string()).or_default();
                    if !list.contains(&distribution.label()) {
                        list.push(distribution.label());
                    }
                }
            }
        }
        required_by
    }
}
