//! Words that a file may use, and what the author of a wrong one probably meant.

/// `known`'s member that is written most like `word`, if any is near enough to be meant.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let distance = |candidate: &str| strsim::osa_distance(&word, candidate);
    let best = known.iter().copied().min_by_key(|candidate| distance(candidate))?;
    (distance(best) <= best.len().max(word.len()) / 2).then_some(best)
}

/// What to say behind "unknown …": the nearest known word, or all of them.
pub fn hint(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(meant) => format!("did you mean {meant:?}?"),
        None => format!("known are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const KEYS: &[&str] = &["name", "pod", "local", "namespace", "context", "container", "kubeconfig"];

    #[rstest]
    #[case("contxt", Some("context"))]
    #[case("Namespace", Some("namespace"))]
    #[case("kube_config", Some("kubeconfig"))]
    #[case("nmae", Some("name"))]
    #[case("colour", None)]
    fn the_nearest_word_is_found(#[case] written: &str, #[case] meant: Option<&str>) {
        assert_eq!(nearest(written, KEYS), meant);
    }
}
