//! Which of several values holds.

use std::collections::BTreeMap;

use super::Origin;
use super::schema::{self, Key};
use super::tree::{Node, Value};
use super::written::{Given, Layer, WrittenStage};

/// Everybody who may say something about a stage.
pub(super) struct Sources<'a> {
    pub(super) flags: &'a Layer,
    pub(super) environment: &'a Layer,
    /// The stage, then what it inherits from.
    pub(super) chain: Vec<&'a WrittenStage>,
    /// What the project is called where nobody says.
    pub(super) project_name: &'a str,
}

/// Every key with the value that holds, defaults included.
pub(super) type Effective = BTreeMap<&'static str, Given>;

impl Sources<'_> {
    /// Every key with the value that holds.
    pub(super) fn effective(&self) -> Effective {
        schema::keys().map(|key| (key.name, self.winner(key))).collect()
    }

    /// Flag, then environment, then the stage, then what it inherits from, then the default.
    fn winner(&self, key: &Key) -> Given {
        let stages = self.chain.iter().map(|stage| (&stage.values, Some(*stage)));
        let layers = [(self.flags, None), (self.environment, None)].into_iter().chain(stages);
        for (values, stage) in layers {
            if let Some(given) = values.get(key.name) {
                return given.clone();
            }
            // The name alone says that it lives here; a stage that it inherits from does not outweigh that.
            if key.name == "target" && stage.is_some_and(|stage| stage.name == super::LOCAL && self.is_own(stage)) {
                return Given { node: text(super::LOCAL), origin: Origin::StageName };
            }
            // What is inherited is values, not the stage's place in the family.
            if key.name == "extends" && stage.is_some_and(|stage| self.is_own(stage)) {
                break;
            }
        }
        let node = match key.name {
            "project_name" => text(self.project_name),
            "target" => text("aws"),
            _ => Node::from_json(&key.preset_value()),
        };
        Given { node, origin: Origin::Default }
    }

    fn is_own(&self, stage: &WrittenStage) -> bool {
        self.chain.first().is_some_and(|first| first.name == stage.name)
    }
}

fn text(text: &str) -> Node {
    Node::placeless(Value::Text(text.to_owned()))
}
