//! Short names for the variables and functions of a script: a fifth of what a view's script is made of, packed, is names that
//! are there for us.
//!
//! Nothing is understood of the script but how a name is used. A name of which a single use is not understood keeps its length,
//! so that no `unset`, `trap` or text for another shell can be missed.

mod lexer;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use lexer::Use;

/// Names that are as short as this stay.
const SHORT: usize = 2;

/// Variables and functions have names of their own: one of each may be called the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Variable,
    Function,
}

impl Use {
    fn of(self) -> Option<Kind> {
        match self {
            Self::Value | Self::Assignment => Some(Kind::Variable),
            Self::Definition | Self::Call => Some(Kind::Function),
            Self::None | Self::Other => None,
        }
    }
}

/// The script with short names. It has no comments (see [`super::stripped`]).
pub fn shortened(script: &str) -> String {
    let words = lexer::names(script);
    let mut uses: BTreeMap<&str, Vec<Use>> = BTreeMap::new();
    for &(_, word, usage) in &words {
        uses.entry(word).or_default().push(usage);
    }
    let mut short = BTreeMap::new();
    for kind in [Kind::Variable, Kind::Function] {
        let count = |name: &str| uses[name].iter().filter(|usage| usage.of() == Some(kind)).count();
        let mut names: Vec<&str> =
            uses.iter().filter(|(name, uses)| may_change(name, uses, kind)).map(|(name, _)| *name).collect();
        names.sort_by_key(|name| Reverse(count(name)));
        let is_free = |name: &String| !uses.contains_key(name.as_str()) || kind == Kind::Variable && count(name) == 0;
        short.extend(names.into_iter().zip(short_names(kind).filter(is_free)).map(|(name, short)| ((kind, name), short)));
    }
    let mut out = String::with_capacity(script.len());
    let mut done = 0;
    for (at, word, usage) in words {
        if let Some(name) = usage.of().and_then(|kind| short.get(&(kind, word))) {
            out.push_str(&script[done..at]);
            out.push_str(name);
            done = at + word.len();
        }
    }
    out + &script[done..]
}

fn may_change(name: &str, uses: &[Use], kind: Kind) -> bool {
    let made = if kind == Kind::Variable { Use::Assignment } else { Use::Definition };
    name.len() > SHORT
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && !uses.contains(&Use::Other)
        && uses.contains(&made)
}

/// One letter, then two. Functions have capitals: no command is called so, and a function would hide it.
fn short_names(kind: Kind) -> impl Iterator<Item = String> {
    let letters = move || {
        let (first, then) = if kind == Kind::Variable { ('a'..='z', 'A'..='Z') } else { ('A'..='Z', 'a'..='z') };
        first.chain(then)
    };
    let pairs = letters().flat_map(move |first| letters().map(move |second| format!("{first}{second}")));
    letters().map(String::from).chain(pairs)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_variable(
        "name=1\necho $name ${name#x} ${#name} \"$name\" $((name + 1))\n",
        "a=1\necho $a ${a#x} ${#a} \"$a\" $((a + 1))\n"
    )]
    #[case::the_more_frequent_first("one=1 two=$one\necho $two $two\n", "b=1 a=$b\necho $a $a\n")]
    #[case::loops(
        "for file in *; do\necho $file\ndone\nwhile IFS= read -r line; do\necho $line\ndone\n",
        "for a in *; do\necho $a\ndone\nwhile IFS= read -r b; do\necho $b\ndone\n"
    )]
    #[case::a_function(
        "knows() {\ntrue\n}\nif ! knows x || knows; then\nset $(knows)\nfi\n",
        "A() {\ntrue\n}\nif ! A x || A; then\nset $(A)\nfi\n"
    )]
    #[case::a_word_that_is_no_name("status=1\nset status $status\n", "status=1\nset status $status\n")]
    #[case::a_part_of_a_word(
        "option=1 self=2 views=3\nset-option $option \"@option-$option\" <\"/proc/self/stat\" \"#{option}\" $self\nx.views $views\n",
        "a=1 b=2 views=3\nset-option $a \"@option-$a\" <\"/proc/self/stat\" \"#{option}\" $b\nx.views $views\n"
    )]
    #[case::unset("name=1\nunset name\n", "name=1\nunset name\n")]
    #[case::a_trap("leave() {\ntrue\n}\ntrap leave EXIT\n", "leave() {\ntrue\n}\ntrap leave EXIT\n")]
    #[case::a_label(
        "begin() {\ntrue\n}\ncase $1 in\nbegin | x) begin ;;\nesac\n",
        "begin() {\ntrue\n}\ncase $1 in\nbegin | x) begin ;;\nesac\n"
    )]
    #[case::what_others_say("echo $HOME $path\nprintf %s x\n", "echo $HOME $path\nprintf %s x\n")]
    #[case::both("name() {\nname=1\necho $name\n}\nname\n", "A() {\na=1\necho $a\n}\nA\n")]
    #[case::a_builtin("read=0\nread -r line\necho $read $line\n", "b=0\nread -r a\necho $b $a\n")]
    #[case::text("name=1\necho '$name' \"a name=$name\"\n", "name=1\necho '$name' \"a name=$name\"\n")]
    #[case::an_argument("count=1\ndd bs=2 count=3\necho $count\n", "count=1\ndd bs=2 count=3\necho $count\n")]
    #[case::before_a_command("size=1 IFS= read -r line\nsize=2 tmux\n", "a=1 IFS= read -r b\na=2 tmux\n")]
    #[case::a_loop_in_a_case(
        "case $1 in\nwhile | x) while page=$(cat) && [ \"$page\" ]; do :; done ;;\npage) ;;\nesac\n",
        "case $1 in\nwhile | x) while page=$(cat) && [ \"$page\" ]; do :; done ;;\npage) ;;\nesac\n"
    )]
    #[case::nested(
        "page=1\necho \"$(case $page in\n1) echo \"${page%\"$page\"}\" ;;\nesac)\" && page=2\n",
        "a=1\necho \"$(case $a in\n1) echo \"${a%\"$a\"}\" ;;\nesac)\" && a=2\n"
    )]
    #[case::a_text_over_lines("text='\nname=1\n' name=2\n", "a='\nname=1\n' name=2\n")]
    #[case::taken_names("a=1 b=2 name=3\necho $a$b$name\n", "a=1 b=2 c=3\necho $a$b$c\n")]
    fn names_become_short_where_every_use_is_understood(#[case] script: &str, #[case] expected: &str) {
        assert_eq!(shortened(script), expected);
    }

    #[test]
    fn a_shell_does_the_same_with_short_names() {
        let script = "\
            total=0 names='' price=3\n\
            add() {\ntotal=$((total + $1))\nnames=\"$names <$2>\"\n}\n\
            each() {\nwhile read -r number name; do\nadd \"${number%x}\" \"$name\"\necho \"$total$names\"\ndone\n}\n\
            last=$(printf '1x one\\n2x two words\\n' | each | tail -n 1) total=${last%% *}\n\
            for word in ${last#* }; do\nprintf '%s,' \"${word#<}\"\ndone\n\
            case $total in\n1 | 3)\necho \"the price=$price\" count=1 ;;\nesac\n";
        let short = shortened(script);
        assert!(!short.contains("names") && !short.contains("each") && short.len() < script.len(), "{short}");
        let run = |text: &str| {
            let output = Command::new("sh").args(["-c", text]).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        // What may be only text stays.
        assert_eq!(run(script), "one>,two,words>,the price=3 count=1\n");
        assert_eq!(run(&short), run(script));
    }
}
