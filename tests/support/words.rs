//! What a shell script calls, read from its text.

use std::collections::BTreeSet;

/// What begins a command's words without being its program.
const BEFORE: [&str; 11] = ["if", "then", "elif", "else", "while", "until", "do", "!", "{", "exec", "time"];
/// Programs that every shell brings along.
const OWN: [&str; 9] = ["[", "echo", "false", "kill", "printf", "pwd", "test", "true", "for"];

/// The words that stand where a command's name stands. Some of them are no commands (a case's patterns), and what a script
/// puts together and has evaluated is not among them.
pub fn called(text: &str) -> BTreeSet<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(|line| [line, "\n"]).collect();
    let code = without_quoted(&code).replace("\\\n", " ").replace("$((", ";: ");
    let commands = code.split(['\n', ';', '|', '&', '(', ')', '`']);
    let is_function = |word: &str| text.lines().any(|line| line.strip_prefix(word).is_some_and(|rest| rest.starts_with("() {")));
    commands.filter_map(program).filter(|word| !OWN.contains(&word.as_str()) && !is_function(word)).collect()
}

/// Without what stands in single quotes: that is data.
fn without_quoted(code: &str) -> String {
    let (mut kept, mut in_single, mut in_double, mut escaped) = (String::new(), false, false, false);
    for letter in code.chars() {
        match letter {
            '\'' if !in_double && !escaped => in_single = !in_single,
            _ if in_single => {}
            '"' if !escaped => in_double = !in_double,
            _ => kept.push(letter),
        }
        escaped = letter == '\\' && !escaped && !in_single;
    }
    kept
}

fn program(command: &str) -> Option<String> {
    let is_assignment =
        |word: &str| word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_alphanumeric() || c == '_'));
    let mut words = command.split_whitespace();
    words.find(|word| !BEFORE.contains(word) && !is_assignment(word)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::called;

    #[test]
    fn calls_are_found_wherever_a_command_may_stand() {
        let text = "# cut\nours() {\n\tAB=1 sed s/a/b/\n}\nx=$(tr a b | \\\n\thead) ours 'rm; mv' \"$(wc)\"\n\
                    if ! date; then { sort || exec tail; } fi\nwhile y=$((x - 1)); do echo cp && (cat); done\n";
        let words = ["cat", "date", "head", "sed", "sort", "tail", "tr", "wc"];
        let called = called(text);
        assert!(words.iter().all(|word| called.contains(*word)), "{called:?}");
        assert!(["cp", "cut", "mv", "ours", "rm", "x"].iter().all(|word| !called.contains(*word)), "{called:?}");
    }
}
