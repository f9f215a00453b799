//! Images by their names, for pods that somebody else describes: `cluster.image("example.com/w:1").runs(&["sh"]).publish()`.

use std::time::Duration;

use crate::cluster::Cluster;
use crate::image::{Image, Oddity};
use crate::stage::Stage;

/// A description of an image.
#[derive(Debug, Clone)]
#[must_use = "nobody can pull it before publish()"]
pub struct Published<'a> {
    cluster: &'a Cluster,
    name: String,
    image: Image,
}

impl<'a> Published<'a> {
    pub(crate) fn new(cluster: &'a Cluster, name: &str) -> Self {
        Self { cluster, name: name.to_owned(), image: Image::default() }
    }

    /// What its containers run first; its output is their log.
    pub fn runs(mut self, argv: &[&str]) -> Self {
        self.image.entrypoint = argv.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// An executable that comes first on its PATH.
    pub fn script(mut self, name: &str, text: &str) -> Self {
        self.image.scripts.push((name.to_owned(), text.to_owned()));
        self
    }

    /// A program of this machine that it does not have.
    pub fn without(mut self, program: &str) -> Self {
        self.image.missing.push(program.to_owned());
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.image.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Let the surroundings of its containers differ from this machine's.
    pub fn with(mut self, oddity: Oddity) -> Self {
        self.image.oddities.push(oddity);
        self
    }

    /// The stage to which its pods come by themselves.
    pub fn in_stage(mut self, stage: Stage) -> Self {
        self.image.stage = stage;
        self
    }

    /// How long its pods stay in `ContainerCreating`.
    pub fn starting_takes(mut self, time: Duration) -> Self {
        self.image.starts_in = time;
        self
    }

    /// Let pods of it be so from now on.
    pub fn publish(self) {
        self.cluster.core.node.put_image(&self.name, self.image);
    }
}
