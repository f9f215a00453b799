//! What is dispatched, checked before anything is sent.

use crate::exit::{Code, Problem};
use crate::terminal::line_ends;

/// An issue of a project, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub project: String,
    pub issue: u64,
    /// Empty when it was not said.
    pub intent: String,
}

impl Order {
    /// From what a person typed.
    ///
    /// # Errors
    /// A usage problem (exit 2) that says what is wrong with which of them.
    pub fn new(project: &str, issue: &str, intent: &str) -> Result<Self, Problem> {
        Ok(Self { project: checked_project(project)?, issue: checked_issue(issue)?, intent: checked_intent(intent)? })
    }
}

fn usage(what: String, remedy: &str) -> Problem {
    Problem::new(Code::Usage, what, remedy)
}

fn checked_project(text: &str) -> Result<String, Problem> {
    let remedy = "name the repository the issue belongs to, e.g. --project app";
    let text = text.trim();
    if text.is_empty() {
        return Err(usage("the project is empty".to_owned(), remedy));
    }
    // The worker's program would take it for an option.
    if text.starts_with('-') {
        return Err(usage(format!("the project {text:?} begins with '-'"), remedy));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(found) => Err(usage(format!("the project {text:?} may not contain {found:?}"), remedy)),
        None => Ok(text.to_owned()),
    }
}

fn checked_issue(text: &str) -> Result<u64, Problem> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits && number > 0 => Ok(number),
        _ => Err(usage(format!("the issue {text:?} is no positive integer"), "write its number alone, e.g. --issue 42")),
    }
}

fn checked_intent(text: &str) -> Result<String, Problem> {
    if text.contains('\0') {
        // The one character that no argument of a program can hold.
        return Err(usage("the intent contains a NUL character".to_owned(), "leave it out"));
    }
    Ok(if text.trim().is_empty() { String::new() } else { line_ends::unified(text) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("app", "42", "")]
    #[case(" acme/app ", " 007 ", "two\nlines")]
    fn good_orders(#[case] project: &str, #[case] issue: &str, #[case] intent: &str) {
        let order = Order::new(project, issue, intent).unwrap();
        assert_eq!((order.project.as_str(), order.intent.as_str()), (project.trim(), intent));
    }

    #[rstest]
    #[case("", "1", "project is empty")]
    #[case("  ", "1", "project is empty")]
    #[case("--force", "1", "begins with '-'")]
    #[case("a\u{1b}", "1", "may not contain")]
    #[case("a", "", "no positive integer")]
    #[case("a", "0", "no positive integer")]
    #[case("a", "-3", "no positive integer")]
    #[case("a", "+3", "no positive integer")]
    #[case("a", "1.5", "no positive integer")]
    #[case("a", "#7", "no positive integer")]
    #[case("a", "99999999999999999999999", "no positive integer")]
    fn bad_orders(#[case] project: &str, #[case] issue: &str, #[case] told: &str) {
        let problem = Order::new(project, issue, "").unwrap_err();
        assert!(problem.code == Code::Usage && problem.what.contains(told), "{problem}");
    }

    #[test]
    fn an_intent_of_blanks_is_none() {
        assert_eq!(Order::new("a", "1", " \n").unwrap().intent, "");
    }
}
