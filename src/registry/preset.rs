//! The command templates that a worker has when its file names none.

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
        Template::parse("factory status", &[]).ok()
    }

    pub fn queue(self) -> Option<Template> {
        Template::parse("factory queue list --format json", &[]).ok()
    }

    /// `{config}` is the project's pipeline configuration, looked up on the worker.
    pub fn dispatch(self) -> Option<Template> {
        let text = match self {
            Self::Factory => "factory queue add --project {project} --issue {issue} [--intent {intent}]",
            Self::TaintFactory => "factory queue add {issue} --config {config} [--intent {intent}]",
        };
        Template::parse(text, DISPATCH).ok()
    }
}

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
