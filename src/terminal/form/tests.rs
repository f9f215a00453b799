//! Forms without a terminal: events in, values and pictures out.

use super::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use rstest::rstest;

fn press(form: &mut Form, code: KeyCode, modifiers: KeyModifiers) -> Step {
    form.handle(Event::Key(KeyEvent::new(code, modifiers)), false)
}

fn type_text(form: &mut Form, text: &str) {
    for c in text.chars() {
        press(form, KeyCode::Char(c), KeyModifiers::NONE);
    }
}

fn picture(form: &mut Form, columns: u16, rows: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw::form(frame, form)).unwrap();
    let text = terminal.backend().to_string();
    text.lines().map(|line| line.trim_matches('"').trim_end()).collect::<Vec<_>>().join("\n")
}

fn prompt() -> Form {
    Form::new("Nudge w/s", vec![Field::text("Text", "", "what to say")])
}

fn order() -> Form {
    let worker = Field::choice("Worker", vec!["alpha".into(), "beta".into()], "beta");
    Form::new("Dispatch", vec![worker, Field::line("Project", "", ""), Field::line("Issue", "", "a number")])
}

#[rstest]
#[case("it's \"$HOME\" `id` #{pane_id} #(id); -x Enter C-c \\n %")]
#[case("one\ntwo\n\n  three\n")]
#[case("tab\there")]
#[case("日本語 🦀")]
fn a_paste_is_kept_as_it_is(#[case] text: &str) {
    let mut form = prompt();
    form.handle(Event::Paste(text.replace('\n', "\r")), false);
    assert_eq!(form.values(), [text]);
}

#[rstest]
#[case(KeyCode::Enter, KeyModifiers::ALT)]
#[case(KeyCode::Enter, KeyModifiers::SHIFT)]
#[case(KeyCode::Char('j'), KeyModifiers::CONTROL)]
fn some_keys_make_a_new_line(#[case] code: KeyCode, #[case] modifiers: KeyModifiers) {
    let mut form = prompt();
    type_text(&mut form, "a");
    assert_eq!(press(&mut form, code, modifiers), Step::Go);
    type_text(&mut form, "b");
    assert_eq!(form.values(), ["a\nb"]);
    assert_eq!(press(&mut form, KeyCode::Enter, KeyModifiers::NONE), Step::Send);
}

#[test]
fn an_unmarked_paste_is_not_sent_at_its_first_line_end() {
    let mut form = prompt();
    let enter = Event::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
    assert_eq!(form.handle(enter, true), Step::Go);
    assert_eq!(form.values(), ["\n"]);
}

#[test]
fn fields_are_visited_in_turn() {
    let mut form = order();
    press(&mut form, KeyCode::Left, KeyModifiers::NONE);
    press(&mut form, KeyCode::Tab, KeyModifiers::NONE);
    type_text(&mut form, "shop");
    press(&mut form, KeyCode::Down, KeyModifiers::NONE);
    type_text(&mut form, "12");
    press(&mut form, KeyCode::BackTab, KeyModifiers::NONE);
    type_text(&mut form, "!");
    assert_eq!(form.values(), ["alpha", "shop!", "12"]);
}

#[test]
fn a_choice_goes_to_what_is_typed() {
    let mut form = order();
    type_text(&mut form, "a");
    assert_eq!(form.values()[0], "alpha");
    type_text(&mut form, "x");
    assert_eq!(form.values()[0], "alpha");
}

#[test]
fn a_line_stays_one_line() {
    let mut form = order();
    form.focus(1);
    form.handle(Event::Paste("a\rb\r".into()), false);
    press(&mut form, KeyCode::Char('m'), KeyModifiers::CONTROL);
    type_text(&mut form, "m");
    assert_eq!(form.values()[1], "a bm");
}

#[rstest]
#[case(KeyCode::Esc, KeyModifiers::NONE)]
#[case(KeyCode::Char('c'), KeyModifiers::CONTROL)]
fn it_can_be_left(#[case] code: KeyCode, #[case] modifiers: KeyModifiers) {
    assert_eq!(press(&mut prompt(), code, modifiers), Step::Cancel);
}

#[test]
fn it_shows_what_is_wrong_in_its_place() {
    let mut form = order();
    form.fields[2].complaint = Some("must be a positive number".into());
    form.focus(2);
    form.notice = Notice::Failed("no answer within the deadline".into());
    insta::assert_snapshot!(picture(&mut form, 60, 14), @r"
    Dispatch

      Worker   < beta >

      Project

    > Issue     a number
               must be a positive number




    no answer within the deadline
    Enter send · Esc leave · Tab next · Ctrl-L clear
    ");
}

#[test]
fn a_prompt_fills_the_popup() {
    let mut form = prompt();
    form.note("not sent 3m ago");
    form.handle(Event::Paste("one\rtwo".into()), false);
    insta::assert_snapshot!(picture(&mut form, 60, 10), @r"
    Nudge w/s

    ┌Text──────────────────────────────────────────────────────┐
    │one                                                       │
    │two                                                       │
    │                                                          │
    │                                                          │
    │                                                          │
    └──────────────────────────────────────────────────────────┘
    Enter send · Esc leave · Alt-Enter new line · Ctrl-L clear
    ");
}

#[test]
fn a_small_popup_has_room_for_every_field_and_whole_words() {
    let mut form = order();
    form.fields[1].complaint = Some("the project is empty".to_owned());
    form.focus(1);
    insta::assert_snapshot!(picture(&mut form, 30, 5), @r"
      Worker   < beta >
    > Project
              the project is empty
      Issue     a number
    Enter send · Esc leave
    ");
    insta::assert_snapshot!(picture(&mut prompt(), 30, 6), @r"
    Nudge w/s
    ┌Text────────────────────────┐
    │ what to say                │
    │                            │
    └────────────────────────────┘
    Enter send · Esc leave
    ");
}

/// Nothing can be kept.
struct Forgetful;

impl Errand for Forgetful {
    fn send(&mut self, _: &[String]) -> Verdict {
        Verdict::Sent
    }

    fn keep(&mut self, _: &[String]) -> Result<(), String> {
        Err("the disk is full".to_owned())
    }
}

#[test]
fn what_cannot_be_kept_is_left_only_when_that_was_said() {
    let mut form = prompt();
    type_text(&mut form, "a");
    assert!(!form.may_leave(&mut Forgetful));
    let shown = picture(&mut form, 100, 10);
    assert!(shown.contains("could not be kept: the disk is full; Esc again"), "{shown}");
    type_text(&mut form, "b");
    assert!(!form.may_leave(&mut Forgetful));
    assert!(form.may_leave(&mut Forgetful));
}

#[rstest]
#[case(1, 1)]
#[case(5, 2)]
#[case(20, 4)]
#[case(300, 90)]
fn every_size_is_drawn(#[case] columns: u16, #[case] rows: u16) {
    let mut form = order();
    form.notice = Notice::Failed("a long reason ".repeat(30));
    picture(&mut form, columns, rows);
    form.notice = Notice::Told("done".into());
    picture(&mut form, columns, rows);
    picture(&mut prompt(), columns, rows);
}

#[rstest]
#[case::text(prompt(), 0, 12, "one")]
#[case::line(order(), 1, 60, "begins")]
fn what_was_scrolled_out_comes_back_when_there_is_room(
    #[case] mut form: Form,
    #[case] field: usize,
    #[case] more: u16,
    #[case] begins: &str,
) {
    form.focus(field);
    let several_lines = form.fields[field].several_lines();
    let text = if several_lines { "one\rtwo\rthree\rfour\rfive\rsix" } else { "begins where nobody sees it any more, and ends" };
    form.handle(Event::Paste(text.into()), false);
    press(&mut form, KeyCode::Left, KeyModifiers::NONE);
    let (small, large) = if several_lines { ((30, 7), (30, more)) } else { ((30, 12), (more + 20, 12)) };
    // A terminal of its own for each size: what is scrolled is remembered in the form.
    assert!(!picture(&mut form, small.0, small.1).contains(begins));
    assert!(picture(&mut form, large.0, large.1).contains(begins), "{}", picture(&mut form, large.0, large.1));
    type_text(&mut form, "!");
    let value = &form.values()[field];
    assert!(value.ends_with("!x") || value.ends_with("!s"), "the cursor went elsewhere: {value}");
}
