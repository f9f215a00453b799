//! All pods of a namespace, page by page.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::known::Object;
use crate::cluster::gateway::arriving::{Asked, JSON, Way};
use crate::cluster::gateway::{escaped, refusal};
use crate::failure::{Failure, Kind};

/// So many are asked for at a time.
const PAGE: usize = 250;
/// How long nothing may come.
const PATIENCE: Duration = Duration::from_secs(9);
/// The largest list, in bytes.
const LARGEST: usize = 64 << 20;

/// A list that has been asked for.
pub struct Listing {
    path: String,
    /// The page that comes.
    pub asked: Asked,
    asked_at: Instant,
    received: usize,
    pods: Vec<Object>,
    /// How much there was before this page.
    bytes: usize,
    /// Whether it comes in pages.
    paged: bool,
}

/// What there was at a moment.
pub struct Listed {
    pub pods: Vec<Object>,
    /// The version that this is.
    pub version: String,
    /// When it was asked for: what is older than that is in it.
    pub asked_at: Instant,
}

#[derive(Deserialize)]
struct Page {
    metadata: Metadata,
    // Without any, the API says `null`.
    items: Option<Vec<Box<RawValue>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    resource_version: String,
    #[serde(rename = "continue")]
    next: String,
}

impl Listing {
    /// Ask for the list at this path.
    ///
    /// # Errors
    /// It cannot be asked for.
    pub fn begin(way: &impl Way, path: &str) -> Result<Self, Failure> {
        let asked = page(way, path, &format!("limit={PAGE}"))?;
        let (path, asked_at) = (path.to_owned(), Instant::now());
        Ok(Self { path, asked, asked_at, received: 0, pods: Vec::new(), bytes: 0, paged: true })
    }

    /// All of it, once it is there.
    ///
    /// # Errors
    /// There is none.
    pub fn step(&mut self, way: &impl Way) -> Result<Option<Listed>, Failure> {
        let answer = self.asked.whole(way)?;
        if self.asked.received() != self.received {
            self.received = self.asked.received();
            self.asked.until = Instant::now() + PATIENCE;
        }
        let Some(answer) = answer else { return Ok(None) };
        // It took too long since the first page: once more, in one piece.
        if answer.status == 410 && self.paged {
            let asked = page(way, &self.path, "")?;
            *self = Self {
                path: std::mem::take(&mut self.path),
                asked,
                asked_at: Instant::now(),
                received: 0,
                pods: Vec::new(),
                bytes: 0,
                paged: false,
            };
            return Ok(None);
        }
        if answer.status != 200 {
            return Err(refusal(&answer));
        }
        self.bytes += answer.body.len();
        if self.bytes > LARGEST {
            return Err(Failure::new(Kind::Incomplete, format!("the list of pods is larger than {} MiB", LARGEST >> 20)));
        }
        let nonsense = || Failure::new(Kind::Incomplete, "the API server's list of pods makes no sense");
        let Page { metadata, items } = serde_json::from_slice(&answer.body).map_err(|_| nonsense())?;
        for item in items.into_iter().flatten() {
            self.pods.push(Object::of(&item).ok_or_else(nonsense)?);
        }
        if metadata.resource_version.is_empty() {
            return Err(nonsense());
        }
        if metadata.next.is_empty() {
            let pods = std::mem::take(&mut self.pods);
            return Ok(Some(Listed { pods, version: metadata.resource_version, asked_at: self.asked_at }));
        }
        self.asked = page(way, &self.path, &format!("limit={PAGE}&continue={}", escaped(&metadata.next)))?;
        self.received = 0;
        Ok(None)
    }
}

fn page(way: &impl Way, path: &str, query: &str) -> Result<Asked, Failure> {
    Asked::of(way, format!("{path}?{query}"), JSON, Instant::now() + PATIENCE)
}
