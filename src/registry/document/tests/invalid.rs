//! What an entry costs that is wrong, what costs all, and what a file may cost us.

use rstest::rstest;

use super::{base, fault, understand, worker_with};
use crate::registry::invalid::Invalid;

/// Names of those that can be used, and what the others are called, with their places.
fn sorted(text: &str) -> (Vec<String>, Vec<String>) {
    let document = understand(text.as_bytes(), &base()).unwrap();
    let called = |invalid: &Invalid| format!("{}@{}:{}+{}", invalid.name, invalid.line, invalid.column, invalid.behind);
    let names = document.workers.iter().map(|worker| worker.name.to_string());
    let sources = document.sources.iter().map(ToString::to_string);
    (names.chain(sources).collect(), document.invalid.iter().map(called).collect())
}

#[test]
fn an_entry_that_is_wrong_costs_itself_alone() {
    let text = "
workers:
  - {name: a, pod: x}
  - {name: b, pod: [x]}
  - just text
  - {pod: x}
  - {name: C, pod: x}
  - {name: d, pod: x, contxt: y, pod: z}
  - {name: e, pod: x}
  - {name: a, pod: y}
  - {name: b, pod: y}
  -
  - [{name: f, pod: x}]
  - {name: g, pod: x, [a]: b}
  - {name: h, local: {a: {b: [c, {d: e}]}}}
  - {name: i, pod: x}
discover:
  - pods: {selector: a=b}
  - podz: {}
  - {gascity: {}, gastown: {}}
  - gastown:
";
    let (used, invalid) = sorted(text);
    assert_eq!(used, ["a", "e", "i", "discover:pods", "discover:gastown"]);
    let expected = [
        "b@4:20+1",
        "workers#3@5:5+1",
        "workers#4@6:5+1",
        "workers#5@7:12+1",
        "d@8:23+1",
        "a@10:12+2",
        // A name is the first one's, also when that is wrong.
        "b@11:12+2",
        "workers#10@12:4+2",
        "workers#11@13:5+2",
        "g@14:23+2",
        "h@15:22+2",
        "discover#2@19:5+1",
        "discover#3@20:28+1",
    ];
    assert_eq!(invalid, expected);
}

#[rstest]
#[case("defaults: {context: -x}\n", "1:21: \"context\": a context may not begin with '-'")]
#[case("defaults: {contxt: x}\n", "1:12: unknown key \"contxt\" in defaults; did you mean \"context\"?")]
#[case("wokers: []\n", "1:1: unknown key \"wokers\" in the registry; did you mean \"workers\"?")]
#[case("active: soon\n", "1:9: \"active\": \"soon\" is no time; write a number and a unit, e.g. 60s")]
fn what_every_entry_rests_on_costs_all(#[case] wrong: &str, #[case] told: &str) {
    let text = format!("{wrong}workers:\n  - {{name: a, pod: b}}\n");
    assert_eq!(understand(text.as_bytes(), &base()).map(|_| ()).unwrap_err().reason, told.split_once(": ").unwrap().1);
    assert_eq!(fault(text.as_bytes()), told);
}

#[rstest]
#[case::brackets("[".repeat(100_000), "nested deeper than 32 times")]
#[case::closed(format!("workers: {}{}", "[".repeat(100_000), "]".repeat(100_000)), "nested deeper than 32 times")]
#[case::braces("{".repeat(100_000), "nested deeper than 32 times")]
#[case::dashes("- ".repeat(100_000), "nested deeper than 32 times")]
#[case::questions("? ".repeat(100_000), "nested deeper than 32 times")]
#[case::indentation((0..400).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(), "nested deeper than 32 times")]
#[case::aliases(
    (1..9).fold("a0: &a0 [x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
        format!("{text}a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(","))
    }),
    "anchors and aliases repeat too much"
)]
#[case::entries(format!("a: &a {{{}}}\nworkers: [{}]", "k: v, ".repeat(9_000), "*a, ".repeat(9_000)), "repeat too much")]
#[case::keys("a: 1\n".repeat(100_000), "unknown key \"a\"")]
#[case::one_key(format!("{}: 1\n", "workers".repeat(100)), "unknown key \"workers")]
#[case::wrong(format!("workers: [{}]", "a, ".repeat(20_000)), "10000 entries before this one are invalid")]
fn a_hostile_file_is_refused_in_a_line(#[case] text: String, #[case] told: &str) {
    let fault = understand(text.as_bytes(), &base()).unwrap_err();
    assert!(fault.reason.contains(told), "{}", fault.reason);
    assert!(fault.reason.chars().count() <= 401, "{}", fault.reason);
}

#[test]
fn what_a_message_quotes_is_cut_in_the_middle() {
    let told = fault(worker_with(&format!("pod: {}", "x".repeat(300_000))).as_bytes());
    assert!(told.starts_with("3:10: \"pod\": name \"xxx") && told.contains("x…x") && told.len() < 500, "{told}");
    assert!(told.ends_with("has 300000 characters; at most 253 are allowed"), "{told}");
}

#[test]
fn an_alias_is_a_copy() {
    let text = "defaults: {commands: &c {status: s}}\nworkers:\n  - &a {name: a, pod: x, commands: *c}\n  - *a\n";
    assert_eq!(sorted(text), (vec!["a".to_owned()], vec!["a@3:15+1".to_owned()]));
}
