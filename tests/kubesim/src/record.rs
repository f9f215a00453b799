//! Every request that came in, so that tests can say how many a command may make.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::faults::Requests;

/// One request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    pub method: String,
    /// With its query, decoded.
    pub path: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`; empty for requests that ask what the API is.
    pub verb: String,
    /// With its subresource: `pods`, `pods/exec`; empty for requests that ask what the API is.
    pub resource: String,
    pub namespace: String,
    pub name: String,
    /// Who asked, when the connection says.
    pub user: String,
    /// The argv of an exec.
    pub command: Vec<String>,
    /// What an exec's client has written to it.
    pub input: Input,
    pub user_agent: String,
    /// How long the request line was as it came, in bytes.
    pub line: usize,
}

/// The beginning of what came on standard input; it goes on to grow.
#[derive(Debug, Clone, Default)]
pub struct Input(Arc<Mutex<Vec<u8>>>);

impl Input {
    /// So much is kept.
    const CAP: usize = 64 * 1024;

    pub(crate) fn note(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let room = Self::CAP.saturating_sub(kept.len());
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// What came so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())).into_owned()
    }

    pub fn contains(&self, text: &str) -> bool {
        self.text().contains(text)
    }
}

impl PartialEq for Input {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Input {}

/// Everything that was asked so far.
#[derive(Debug, Default)]
pub(crate) struct Record {
    calls: Mutex<Vec<Call>>,
}

impl Record {
    fn calls(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn note(&self, call: Call) {
        self.calls().push(call);
    }

    pub fn clear(&self) {
        self.calls().clear();
    }

    pub fn so_far(&self) -> Calls {
        Calls(self.calls().clone())
    }
}

/// Requests in the order in which they came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calls(Vec<Call>);

impl Calls {
    /// Those about objects: without the ones that ask what the API is, which kubectl keeps in a cache of its own.
    pub fn about_objects(&self) -> Self {
        Self(self.0.iter().filter(|call| !call.resource.is_empty()).cloned().collect())
    }

    /// Those that a fault of these requests would hit.
    pub fn matching(&self, requests: &Requests) -> Self {
        Self(self.0.iter().filter(|call| requests.describes(call)).cloned().collect())
    }

    /// Every exec request, by its websocket (`GET`) and over kubectl's older protocol (`POST`), which is not served here: kubectl tries it
    /// when the websocket was refused, so a refused exec counts twice, and one that is sent again after it went out is seen.
    pub fn execs(&self) -> Self {
        Self(self.0.iter().filter(|call| call.resource == "pods/exec").cloned().collect())
    }

    /// The longest request line among them, in bytes.
    pub fn longest_line(&self) -> usize {
        self.0.iter().map(|call| call.line).max().unwrap_or(0)
    }

    /// How many of them there are for each object name.
    pub fn by_name(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in &self.0 {
            *counts.entry(call.name.clone()).or_default() += 1;
        }
        counts
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Call> {
        self.0.iter()
    }
}

impl IntoIterator for Calls {
    type Item = Call;
    type IntoIter = std::vec::IntoIter<Call>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
