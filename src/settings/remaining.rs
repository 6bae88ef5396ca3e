//! What has not been read yet of the values that hold, and how values are taken out of their nodes.

use std::collections::BTreeMap;

use super::Origin;
use super::precedence::Effective;
use super::schema::{self, Support};
use super::tree::{Node, Value};
use super::written::Given;

/// What has not been read yet: a key that is read twice, or by nobody, is a mistake in this file.
pub(super) struct Remaining(Effective);

impl Remaining {
    pub(super) fn new(effective: Effective) -> Self {
        Self(effective)
    }

    /// What is given, to be read later.
    pub(super) fn peek(&self, key: &str) -> Option<&Given> {
        self.0.get(key)
    }

    pub(super) fn given(&mut self, key: &'static str) -> Given {
        let absent = || Given { node: Node::placeless(Value::Null), origin: Origin::Default };
        self.0.remove(key).unwrap_or_else(absent)
    }

    pub(super) fn take(&mut self, key: &'static str) -> Node {
        self.given(key).node
    }

    /// The text; an empty one says that there is none.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        self.take(key).as_text().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    pub(super) fn truth(&mut self, key: &'static str) -> bool {
        self.take(key).value == Value::Bool(true)
    }

    pub(super) fn number(&mut self, key: &'static str) -> Option<u32> {
        number(&self.take(key))
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Vec<String> {
        texts(&self.take(key))
    }

    pub(super) fn map(&mut self, key: &'static str) -> BTreeMap<String, String> {
        texts_by_name(&self.take(key)).collect()
    }

    /// The keys that mean something and that nobody has asked for.
    pub(super) fn forgotten(&self) -> Vec<&'static str> {
        self.0
            .keys()
            .copied()
            .filter(|key| schema::find(key).is_some_and(|key| matches!(key.support, Support::Everywhere | Support::AwsOnly)))
            .collect()
    }
}

pub(super) fn number(node: &Node) -> Option<u32> {
    match node.value {
        Value::Integer(number) => u32::try_from(number).ok(),
        _ => None,
    }
}

/// A number as text, whole numbers without a point.
pub(super) fn number_text(node: &Node) -> Option<String> {
    match node.value {
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn texts(node: &Node) -> Vec<String> {
    node.items().iter().filter_map(Node::as_text).map(str::to_owned).collect()
}

pub(super) fn texts_by_name(node: &Node) -> impl Iterator<Item = (String, String)> {
    node.entries().iter().filter_map(|entry| Some((entry.key.clone(), entry.node.as_text()?.to_owned())))
}
