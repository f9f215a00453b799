//! The rules of `evidence.rs`, each on screens as programs draw them.

use super::*;
use proptest::prelude::*;
use rstest::rstest;

#[rstest]
#[case("hello", "hello")]
#[case("fix the tests, please\n\n", "etests,please")]
#[case("one\ntwo three  \n \n", "twothree")]
#[case("a\tb", "ab")]
#[case("colour \x1b[31m red", "[31mred")]
#[case("│ boxed │", "boxed")]
#[case("日本語のテキストを入力してください、お願い", "ストを入力してください、お願い")]
fn the_end_of_a_text(#[case] text: &str, #[case] expected: &str) {
    let needle = needle(text);
    assert!(needle.ends_with(expected) && needle.chars().count() <= NEEDLE, "{needle:?}");
}

/// A screen whose cursor is where `_` is written; a `^` in the first column of the first row hides it.
fn screen(drawn: &str) -> Screen {
    let hidden = drawn.starts_with('^');
    let rows: Vec<&str> = drawn.trim_start_matches('^').lines().collect();
    let row = rows.iter().position(|row| row.contains('_')).unwrap();
    let column = rows[row].split('_').next().unwrap().chars().count();
    let rows = rows.iter().map(|row| row.replace('_', "").trim_end().to_owned()).collect();
    Screen { column, row, cursor_visible: !hidden, activity: Some(100), rows }
}

/// What was seen around a nudge with the text `hello`.
fn seen(echo: Echo, quiet: bool, before: &str, pasted: &str, after: &[&str]) -> Seen {
    let frame = |(at, drawn): (usize, &&str)| (Duration::from_millis(at as u64 * 100 + 100), screen(drawn));
    Seen {
        needle: "hello".into(),
        now: Some(if quiet { 103 } else { 100 }),
        before: screen(before),
        pasted: screen(pasted),
        after: after.iter().enumerate().map(frame).collect(),
        echo_before: echo,
        echo_after: echo,
    }
}

#[test]
fn a_prompt_that_comes_back_proves_it() {
    let story = seen(Echo::Off, true, "$ _", "$ hello_", &["$ hello\n_", "$ hello\n$ _"]);
    assert!(story.proves_delivery());
}

#[test]
fn a_prompt_that_comes_back_proves_it_in_a_pane_that_was_just_active_too() {
    let story = seen(Echo::Off, false, "$ _", "$ hello_", &["$ hello\nsh: no hello\n$ _"]);
    assert!(story.proves_delivery());
}

#[test]
fn a_line_editor_that_hands_its_line_over_proves_it() {
    let mut story = seen(Echo::Off, false, "$ _", "$ hello_", &["$ hello\n_"]);
    assert!(!story.proves_delivery());
    story.echo_after = Echo::On;
    assert!(story.proves_delivery());
}

#[rstest]
#[case::quiet(true)]
#[case::active(false)]
fn an_echo_that_nobody_reads_proves_nothing(#[case] quiet: bool) {
    let story = seen(Echo::On, quiet, "waiting\n_", "waiting\nhello_", &["waiting\nhello\n_"]);
    assert!(!story.proves_delivery());
}

#[test]
fn an_echo_that_scrolls_proves_nothing() {
    let story = seen(Echo::On, true, "one\ntwo\n_", "one\ntwo\nhello_", &["two\nhello\n_"]);
    assert!(!story.proves_delivery());
}

#[test]
fn a_stream_always_changes_and_proves_nothing() {
    let after = ["line 2\nhelloline 3\nline 4\n_", "line 4\nline 5\nline 6\n_"];
    let story = seen(Echo::On, false, "line 1\nline 2\n_", "line 1\nline 2\nhello_", &after);
    assert!(!story.proves_delivery());
}

#[test]
fn a_spinner_that_draws_over_the_echo_proves_nothing() {
    let story = seen(Echo::On, false, "/ Working_", "- Working_hello", &["- Workinghello\n/ Working_"]);
    assert!(!story.proves_delivery());
}

#[test]
fn an_answer_from_a_quiet_program_proves_it() {
    // cat: the same line again is one more than the echo.
    let story = seen(Echo::On, true, "_", "hello_", &["hello\nhello\n_"]);
    assert!(story.proves_delivery());
}

#[test]
fn a_late_answer_proves_nothing() {
    let mut story = seen(Echo::On, true, "_", "hello_", &["hello\n_", "hello\ndone\n_"]);
    story.after[1].0 = Duration::from_millis(900);
    assert!(!story.proves_delivery());
}

const BOX: &str = "thinking (1s)\n╭──────╮\n│ > _  │\n╰──────╯";
const BOX_FILLED: &str = "thinking (2s)\n╭──────╮\n│ > hello_ │\n╰──────╯";

#[test]
fn an_input_box_that_was_cleared_proves_it_also_while_the_agent_works() {
    let story = seen(Echo::Off, false, BOX, BOX_FILLED, &["thinking (3s)\n╭──────╮\n│ > _  │\n╰──────╯"]);
    assert!(story.proves_delivery());
}

#[test]
fn a_box_that_still_holds_the_text_proves_nothing() {
    let story = seen(Echo::Off, false, BOX, BOX_FILLED, &["thinking (3s)\n╭──────╮\n│ > hello_ │\n╰──────╯"]);
    assert!(!story.proves_delivery());
}

#[rstest]
#[case::below("│ > hello │\n│   _    │")]
#[case::scrolled_up("│ > hello │\n│ > _ hello │")]
fn enter_that_only_made_a_new_line_proves_nothing(#[case] after: &str) {
    let story = seen(Echo::Off, false, "│ > _ │", "│ > hello_ │", &[after]);
    assert!(!story.proves_delivery());
}

#[test]
fn a_box_that_grows_upwards_is_not_a_cleared_one() {
    let before = "text\n\n│  _   │";
    let story = seen(Echo::Off, true, before, "text\n\n│  hello_ │", &["text\n│  hello │\n│  _   │"]);
    assert!(!story.proves_delivery());
}

#[test]
fn a_placeholder_in_the_cleared_box_is_no_matter() {
    let story = seen(Echo::Off, false, "> _Try a test", "> hello_", &["* hello\n> _Ask for more"]);
    assert!(story.proves_delivery());
}

#[test]
fn a_hidden_cursor_elsewhere_is_no_matter() {
    let before = "^> old\n❯ \n? for help\n_";
    let pasted = "^> old\n❯ hello\n? for help\n_";
    let story = seen(Echo::Off, false, before, pasted, &["^> old\n> hello\n❯ \n? for help\n_"]);
    assert!(story.proves_delivery());
    let ignored = seen(Echo::Off, false, before, pasted, &["^> old\n❯ hello\n? for more\n_"]);
    assert!(!ignored.proves_delivery());
}

#[test]
fn a_text_that_ends_in_a_new_line_leaves_the_cursor_below_it() {
    let story = seen(Echo::Off, false, "│ > _ │", "│ > hello │\n│   _     │", &["* hello\n│ > _ │"]);
    assert!(story.proves_delivery());
}

#[test]
fn a_marker_in_place_of_a_long_paste_counts_as_the_text() {
    let mut story = seen(Echo::Off, false, "> _", "> [Pasted text #1 +9 lines]_", &["> _"]);
    story.needle = "something else".into();
    assert!(story.proves_delivery());
    story.after = vec![(SOON, screen("> [Pasted text #1 +9 lines]_"))];
    assert!(!story.proves_delivery());
}

#[test]
fn a_wrapped_text_is_found_where_it_ends() {
    let drawn = screen("│ > a long text that says hel │\n│   lo_                      │");
    assert_eq!(drawn.ends("sayshello"), [0]);
}

#[test]
fn a_screen_is_parsed_as_the_script_prints_it() {
    let parsed = Screen::parse("%3 5 1 1 0 0 0 1700000000 /dev/pts/4\nfirst\n$ abc  \n").unwrap();
    let rows = vec!["first".to_owned(), "$ abc".to_owned()];
    assert_eq!(parsed, Screen { column: 5, row: 1, cursor_visible: true, activity: Some(1_700_000_000), rows });
    assert!(Screen::parse("nonsense").is_none());
}

proptest! {
    #[test]
    fn any_screens_are_judged(texts in prop::collection::vec("%0 [0-9]{1,20} [0-9]{1,2} [01] 0 0 0 [0-9]{0,9} x\n[a>│─ \n\\[Paste]{0,40}", 3), needle in "[a>]{0,3}") {
        let screens: Option<Vec<Screen>> = texts.iter().map(|text| Screen::parse(text)).collect();
        if let Some([before, pasted, after]) = screens.and_then(|screens| <[Screen; 3]>::try_from(screens).ok()) {
            let seen = Seen { needle, before, pasted, after: vec![(SOON, after)], echo_before: Echo::Off, ..Seen::default() };
            seen.proves_delivery();
        }
    }

    #[test]
    fn any_text_has_an_end_to_look_for(text in any::<String>()) {
        prop_assert!(!needle(&text).contains(char::is_whitespace) || !text.is_ascii());
    }
}
