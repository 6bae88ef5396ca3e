//! What the proxy has seen, and which calls had to wait for which.
//!
//! **Groups.** A call's depth is one more than the greatest depth among the calls that were answered before it came; calls of one depth are a
//! group. Two calls of one group therefore overlapped, each call of a later group came after an answer of the group before it, and the number
//! of groups is the length of the longest chain of calls of which each came after the one before it was answered.

use std::collections::BTreeMap;

use http::request::Parts;

use super::operations::Name;

/// One request, and how it was answered.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// In order of arrival, from 1.
    pub(crate) number: usize,
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) region: String,
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// `None` if it never was answered.
    pub(crate) status: Option<u16>,
    /// Its group, from 1.
    pub(crate) depth: usize,
}

impl Call {
    /// `lambda:GetAlias`.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }

    /// The body of a JSON request.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The calls up to now.
#[derive(Default)]
pub(crate) struct Record {
    calls: Vec<Call>,
    /// The greatest depth of an answered call.
    answered: usize,
    /// Calls before this one are forgotten; their answers may still come.
    generation: usize,
}

/// Which call of a record an answer belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    generation: usize,
    pub(crate) number: usize,
}

impl Record {
    pub(crate) fn begin(&mut self, name: &Name, head: &Parts, body: &[u8]) -> Place {
        let number = self.calls.len() + 1;
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        self.calls.push(Call {
            number,
            service: name.service.clone(),
            operation: name.operation.clone(),
            region: name.region.clone(),
            method: head.method.to_string(),
            path: head.uri.path_and_query().map_or_else(String::new, ToString::to_string),
            headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: body.to_vec(),
            status: None,
            depth: self.answered + 1,
        });
        Place { generation: self.generation, number }
    }

    /// To be called before the answer leaves, so that whatever the client does next comes after it.
    pub(crate) fn end(&mut self, place: Place, status: u16) {
        if place.generation == self.generation {
            let call = &mut self.calls[place.number - 1];
            call.status = Some(status);
            self.answered = self.answered.max(call.depth);
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self { generation: self.generation + 1, ..Self::default() };
    }

    pub(crate) fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Whether every one of the first `count` calls is answered.
    pub(crate) fn answered_up_to(&self, count: usize) -> bool {
        self.calls.iter().take(count).all(|call| call.status.is_some())
    }
}

/// One line for each group, in order; calls that went out together are sorted, those that were repeated are counted.
pub(crate) fn text(calls: &[Call]) -> String {
    let mut groups: BTreeMap<usize, BTreeMap<String, usize>> = BTreeMap::new();
    for call in calls {
        *groups.entry(call.depth).or_default().entry(call.name()).or_default() += 1;
    }
    let counted = |(name, count): (&String, &usize)| if *count == 1 { name.clone() } else { format!("{name} ×{count}") };
    groups.values().map(|group| group.iter().map(counted).collect::<Vec<_>>().join("  ") + "\n").collect()
}
