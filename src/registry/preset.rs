//! The command templates that a worker has when its file names none.

use std::sync::LazyLock;

use super::template::Template;
use super::worker::Preset;

/// What a dispatch template may ask for.
pub const DISPATCH: &[&str] = &["project", "issue", "intent", "config"];

impl Preset {
    pub const WORDS: &'static [&'static str] = &["factory", "taintfactory"];

    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "factory" => Some(Self::Factory),
            "taintfactory" => Some(Self::TaintFactory),
            _ => None,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Factory => "factory",
            Self::TaintFactory => "taintfactory",
        }
    }

    pub fn status(self) -> Option<Template> {
        STATUS.clone()
    }

    pub fn queue(self) -> Option<Template> {
        QUEUE.clone()
    }

    /// `{config}` is the project's pipeline configuration, looked up on the worker.
    pub fn dispatch(self) -> Option<Template> {
        match self {
            Self::Factory => FACTORY_DISPATCH.clone(),
            Self::TaintFactory => TAINTFACTORY_DISPATCH.clone(),
        }
    }
}

/// Taken apart once: nearly every worker has them.
type Parsed = LazyLock<Option<Template>>;

static STATUS: Parsed = LazyLock::new(|| Template::parse("factory status", &[]).ok());
static QUEUE: Parsed = LazyLock::new(|| Template::parse("factory queue list --format json", &[]).ok());
static FACTORY_DISPATCH: Parsed =
    LazyLock::new(|| Template::parse("factory queue add --project {project} --issue {issue} [--intent {intent}]", DISPATCH).ok());
static TAINTFACTORY_DISPATCH: Parsed =
    LazyLock::new(|| Template::parse("factory queue add {issue} --config {config} [--intent {intent}]", DISPATCH).ok());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_has_every_command() {
        for word in Preset::WORDS {
            let preset = Preset::from_word(word).unwrap();
            assert_eq!(preset.word(), *word);
            assert!(preset.status().is_some() && preset.queue().is_some() && preset.dispatch().is_some());
        }
    }
}
