use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn entry(name: &str) -> Entry {
    Entry {
        name: name.parse().unwrap(),
        pod: format!("factory-{name}").parse().unwrap(),
        namespace: Some("factory".parse().unwrap()),
        context: Some("do nyc1".to_owned()),
        kubeconfig: None,
    }
}

fn added(text: &str) -> String {
    with(Path::new("/x/workers.yaml"), text.as_bytes(), &entry("new")).unwrap().0
}

fn removed(text: &str, name: &str) -> Option<String> {
    without(Path::new("/x/workers.yaml"), text.as_bytes(), &name.parse().unwrap()).unwrap()
}

const NEW: &str = "  - name: new\n    pod: factory-new\n    namespace: factory\n    context: 'do nyc1'\n";

#[rstest]
#[case::nothing("", &format!("workers:\n{NEW}"))]
#[case::only_a_comment("# mine\n", &format!("# mine\nworkers:\n{NEW}"))]
#[case::other_keys("active: 5m\n", &format!("active: 5m\nworkers:\n{NEW}"))]
#[case::empty_list("workers: [] # none yet\nactive: 5m\n", &format!("workers: # none yet\n{NEW}active: 5m\n"))]
#[case::one("workers:\n  - name: a\n    pod: b # why\n", &format!("workers:\n  - name: a\n    pod: b # why\n{NEW}"))]
#[case::no_end_of_line("workers:\n  - {name: a, pod: b}", &format!("workers:\n  - {{name: a, pod: b}}\n{NEW}"))]
#[case::keys_behind(
    "workers:\n  # first\n  - name: a\n    pod: b\n\n    # its context\n    context: c\n\n# for all\ndefaults:\n  namespace: n\n",
    &format!("workers:\n  # first\n  - name: a\n    pod: b\n\n    # its context\n    context: c\n{NEW}\n# for all\ndefaults:\n  namespace: n\n")
)]
#[case::not_indented(
    "workers:\n- name: a\n  pod: b\nactive: 5m\n",
    "workers:\n- name: a\n  pod: b\n- name: new\n  pod: factory-new\n  namespace: factory\n  context: 'do nyc1'\nactive: 5m\n"
)]
#[case::in_brackets(
    "workers: [{name: a, pod: b}] # brief\n",
    "workers: [{name: a, pod: b}, {name: new, pod: factory-new, namespace: factory, context: 'do nyc1'}] # brief\n"
)]
#[case::in_brackets_with_brackets_in_a_comment(
    "workers: [\n  {name: a, pod: b},\n] # [sic]\n",
    "workers: [\n  {name: a, pod: b}, {name: new, pod: factory-new, namespace: factory, context: 'do nyc1'}] # [sic]\n"
)]
fn an_entry_goes_behind_the_others_and_all_else_stays(#[case] before: &str, #[case] after: &str) {
    assert_eq!(added(before), after);
}

#[test]
fn line_ends_stay_as_they_are() {
    assert_eq!(
        added("workers:\r\n  - {name: a, pod: b}\r\n"),
        format!("workers:\r\n  - {{name: a, pod: b}}\r\n{}", NEW.replace('\n', "\r\n"))
    );
}

#[rstest]
#[case(
    "workers:\n  - {name: a, pod: b}\n  # about c\n  - name: c\n    pod: d\n    # end of c\nactive: 5m\n",
    "c",
    "workers:\n  - {name: a, pod: b}\n  # about c\nactive: 5m\n"
)]
#[case("workers:\n  - name: a\n    pod: b\n\n  - {name: c, pod: d}\n", "a", "workers:\n\n  - {name: c, pod: d}\n")]
#[case("workers: # mine\n- name: a\n  pod: b\nactive: 5m\n", "a", "workers: # mine\nactive: 5m\n")]
fn an_entry_goes_and_all_else_stays(#[case] before: &str, #[case] name: &str, #[case] after: &str) {
    assert_eq!(removed(before, name).as_deref(), Some(after));
}

/// Entries that cannot be used, and a source that cannot.
const WRONG: &str = "workers:
  - name: a
    pod: b
    contxt: c # wrong
  - text
  - {name: d, pod: e}
  - {name: d, pod: f}
discover:
  - podz: {}
";

#[test]
fn what_cannot_be_used_stays_when_an_entry_comes() {
    let (before, behind) = WRONG.split_once("discover:").unwrap();
    assert_eq!(added(WRONG), format!("{before}{NEW}discover:{behind}"));
}

#[rstest]
#[case("a", "  - name: a\n    pod: b\n    contxt: c # wrong\n")]
// Of two the first goes; the other one may be used then.
#[case("d", "  - {name: d, pod: e}\n")]
fn an_entry_goes_also_where_it_or_others_cannot_be_used(#[case] name: &str, #[case] gone: &str) {
    assert_eq!(removed(WRONG, name).unwrap(), WRONG.replacen(gone, "", 1));
}

#[test]
fn an_entry_goes_from_a_file_whose_defaults_are_wrong() {
    let text = "defaults: {contxt: c}\nworkers:\n  - {name: a, pod: b}\n";
    assert_eq!(removed(text, "a").unwrap(), "defaults: {contxt: c}\nworkers:\n");
}

#[test]
fn a_name_that_an_entry_has_which_cannot_be_used_is_taken() {
    let text = "workers:\n  - {name: new, pod: [b]}\n";
    let error = with(Path::new("/x/workers.yaml"), text.as_bytes(), &entry("new")).unwrap_err();
    let problem = error.downcast_ref::<Problem>().unwrap();
    assert_eq!(problem.code, Code::Usage);
    assert!(problem.what.ends_with(": /x/workers.yaml:2:22: \"pod\" is a text, and this is a list"), "{}", problem.what);
    assert!(problem.remedy.contains("worker remove new"), "{}", problem.remedy);
}

#[test]
fn what_an_anchor_stands_for_is_not_taken_away_from_others() {
    let text = "workers:\n  - {name: a, pod: &p x}\n  - {name: b, pod: *p}\n";
    let error = without(Path::new("/x/workers.yaml"), text.as_bytes(), &"a".parse().unwrap()).unwrap_err();
    assert!(error.to_string().contains("by hand"), "{error}");
    assert_eq!(removed(text, "b").unwrap(), "workers:\n  - {name: a, pod: &p x}\n");
}

#[test]
fn a_worker_that_is_not_there_changes_nothing() {
    assert_eq!(removed("workers: []\n", "a"), None);
}

#[test]
fn what_we_dare_not_change_is_left_to_the_person_with_the_words_to_write() {
    let path = Path::new("/x/workers.yaml");
    let odd = "{workers: [{name: a, pod: b}], active: 5m}";
    let error = without(path, odd.as_bytes(), &"a".parse().unwrap()).unwrap_err();
    assert!(error.to_string().contains("by hand"), "{error}");
    // Adding to it is possible, and right.
    assert!(added(odd).contains("{name: new, pod: factory-new"), "{}", added(odd));
}

#[test]
fn defaults_hold_for_a_planned_worker() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("workers.yaml");
    fs::write(&path, "defaults: {kubeconfig: /etc/kube, context: c}\n").unwrap();
    let worker = planned(&path, &Entry { context: None, ..entry("new") }).unwrap();
    let crate::registry::worker::Place::Pod(place) = worker.place else { panic!("{worker:?}") };
    assert_eq!((place.context.as_deref(), place.kubeconfig), (Some("c"), Some("/etc/kube".into())));
}

#[test]
fn the_file_keeps_its_permissions_and_a_link_stays_one() {
    let directory = tempfile::tempdir().unwrap();
    let (target, link) = (directory.path().join("dotfiles.yaml"), directory.path().join("workers.yaml"));
    fs::write(&target, "workers: []\n").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    add(&link, &entry("new")).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&target).unwrap().mode() & 0o777, 0o640);
    assert!(remove(&link, &"new".parse().unwrap()).unwrap());
    assert!(!remove(&link, &"new".parse().unwrap()).unwrap());
    assert_eq!(fs::read_to_string(&target).unwrap(), "workers:\n");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "something was left behind");
}

#[test]
fn a_first_worker_makes_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made/workers.yaml");
    add(&path, &entry("new")).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("workers:\n{NEW}"));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn many_at_the_same_time_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("workers.yaml");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let path = &path;
            scope.spawn(move || add(path, &entry(&format!("w{number}"))).unwrap());
        }
    });
    let read = document::read(&path, &fs::read(&path).unwrap()).unwrap();
    assert_eq!(read.workers.len(), 8);
}

proptest! {
    #[test]
    fn a_value_is_read_back_as_it_was(value in "[ -~]{1,20}") {
        let text = format!("x: {}", text::scalar(&value));
        let read: std::collections::BTreeMap<String, String> = serde_yaml::from_str(&text).unwrap();
        prop_assert_eq!(&read["x"], &value);
    }

    #[test]
    fn whatever_is_added_can_be_taken_out_again(
        count in 0..4_usize, indent in 0..4_usize, comments in prop::collection::vec(0..3_usize, 4), behind in any::<bool>(),
    ) {
        let mut text = String::from("workers:\n");
        for (number, comments) in comments.iter().take(count).enumerate() {
            text.push_str(&"# words\n\n".repeat(*comments));
            text.push_str(&format!("{:indent$}- name: w{number}\n{:indent$}  pod: p # why\n", "", ""));
        }
        if count == 0 {
            text = "workers:\n".to_owned();
        }
        if behind {
            text.push_str("# end\nactive: 5m\n");
        }
        prop_assert_eq!(removed(&added(&text), "new").unwrap(), text);
    }
}
