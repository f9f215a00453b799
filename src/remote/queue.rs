//! What a worker's queue holds, in a few characters.
//!
//! The items are whatever the worker's own queue command printed as JSON. Two spellings are known: the published
//! binary's (`Namespace`, `Issue`, `Status`) and the original design's (`project`, `issue`, `status`), so keys are
//! compared without case.

use serde_json::Value;

/// What is being worked on, else what is next: `NAMESPACE#ISSUE`, and ` +N` when N more wait or run. `-` when nothing does.
pub fn summary(items: &[Value]) -> String {
    let of = |state: State| items.iter().filter(move |item| State::of(item) == state);
    let open = of(State::Active).count() + of(State::Pending).count();
    match of(State::Active).next().or_else(|| of(State::Pending).next()) {
        None => "-".to_owned(),
        Some(first) if open == 1 => title(first),
        Some(first) => format!("{} +{}", title(first), open - 1),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Active,
    Pending,
    Over,
}

impl State {
    /// An item that does not say is taken to wait.
    fn of(item: &Value) -> Self {
        match field(item, &["status", "state"]).map(|word| word.to_lowercase()).as_deref() {
            Some("active" | "running" | "in_progress") => Self::Active,
            None | Some("pending" | "queued" | "waiting" | "blocked") => Self::Pending,
            Some(_) => Self::Over,
        }
    }
}

fn title(item: &Value) -> String {
    let namespace = field(item, &["namespace", "project", "repo"]).unwrap_or_default();
    match field(item, &["issue", "number", "id"]) {
        Some(issue) => format!("{namespace}#{issue}"),
        None => "?".to_owned(),
    }
}

/// The first of these keys that has a value, as text.
fn field(item: &Value, keys: &[&str]) -> Option<String> {
    let item = item.as_object()?;
    let find = |key: &str| item.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value);
    keys.iter().filter_map(|key| find(key)).find_map(|value| match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(json!([]), "-")]
    #[case(json!([{"Namespace": "acme/app", "Issue": 7, "Status": "pending"}]), "acme/app#7")]
    #[case(json!([{"Namespace": "a", "Issue": 1, "Status": "pending"}, {"Namespace": "a", "Issue": 2, "Status": "active"}]), "a#2 +1")]
    #[case(json!([{"project": "app", "issue": "42", "status": "pending"}]), "app#42")]
    #[case(json!([{"Namespace": "a", "Issue": 1, "Status": "completed"}, {"Namespace": "a", "Issue": 2, "Status": "failed"}]), "-")]
    #[case(json!([{"Namespace": "a", "Issue": 1, "Status": "completed"}, {"Namespace": "a", "Issue": 2, "Status": "pending"}]), "a#2")]
    #[case(json!([{"Issue": 1}, {"Issue": 2}, {"Issue": 3}]), "#1 +2")]
    #[case(json!([{"Namespace": "", "Issue": 1}]), "#1")]
    #[case(json!([17, "x"]), "? +1")]
    fn the_active_item_else_the_first_pending_one(#[case] items: Value, #[case] cell: &str) {
        assert_eq!(summary(items.as_array().unwrap()), cell);
    }
}
