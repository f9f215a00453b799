//! Command templates: `factory queue add --issue {issue} [--intent {intent}]`.

/// A command line for a worker, split once with shell-words; placeholders are filled after the split, one argument each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub(super) words: Vec<String>,
}
