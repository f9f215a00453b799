use std::path::PathBuf;

use proptest::prelude::*;
use rstest::rstest;

mod invalid;

use super::*;
use crate::registry::worker::{Place, PodPlace, PodRef, Preset, ViewMode};

fn base() -> Base {
    Base { directory: PathBuf::from("/etc/factory"), home: Some(PathBuf::from("/home/me")) }
}

fn workers(text: &str) -> Vec<Worker> {
    understand(text.as_bytes(), &base()).unwrap().workers
}

fn pod(worker: &Worker) -> &PodPlace {
    match &worker.place {
        Place::Pod(pod) => pod,
        Place::Local(directory) => panic!("{} is local: {}", worker.name, directory.display()),
    }
}

/// `LINE:COLUMN: reason` of a malformed text.
fn fault(text: &[u8]) -> String {
    let fault = match understand(text, &base()) {
        // Of an entry: it costs itself alone.
        Ok(document) => return document.invalid.first().unwrap().to_string(),
        Err(fault) => fault,
    };
    format!("{}:{}: {}", fault.place.line, fault.place.column, fault.reason)
}

/// A registry whose only worker, `a`, has these lines behind its name; they begin in line 3, column 5.
fn worker_with(lines: &str) -> String {
    format!("workers:\n  - name: a\n    {}\n", lines.replace('\n', "\n    "))
}

/// A tab where YAML wants spaces, called that, in its own place.
const TAB: &str = "2:1: here is a tab; YAML wants spaces for the indentation of a line, and behind a \"-\" or \":\"";

#[rstest]
#[case("workers: [", "2:1: did not find expected node content, while parsing a node")]
#[case("workers:\n  - name: a\n   pod: b\n", "3:4: did not find expected '-' indicator, while parsing a block collection")]
#[case("workers:\n\t- name: a\n", TAB)]
#[case("workers:\n\t\t- name: a\n", TAB)]
#[case("workers: [\n\t{name: a, pod: b}]\n", TAB)]
#[case("- a\n- b:\tc\n", &TAB.replace("2:1", "2:5"))]
#[case("workers:\n  - name: a\n\tpod: b\n", &TAB.replace("2:1", "3:1"))]
#[case("x: &a [*a]\n", "1:8: an alias may not stand in what it stands for")]
#[case(
    "workers: [\n{name: a, pod: b}\n]\n",
    "2:1: what is in brackets or quotes has to be indented further than the key that it belongs to"
)]
#[case("workers: *nobody\n", "1:10: found unknown anchor, while parsing node")]
#[case("workers: []\n---\nworkers: []\n", "2:1: a registry is one YAML document, and a second one begins here")]
fn bad_yaml(#[case] text: &str, #[case] told: &str) {
    assert_eq!(fault(text.as_bytes()), told);
}

#[rstest]
#[case(b"workers:\n  - name: \xff\n", "2:11: the file is no UTF-8 text from here on")]
#[case(b"workers:\n  - name: \x1b\n", "2:11: YAML does not allow the character '\\u{1b}'")]
#[case(b"\x00", "1:1: YAML does not allow the character '\\0'")]
fn bad_characters(#[case] text: &[u8], #[case] told: &str) {
    assert_eq!(fault(text), told);
}

#[rstest]
#[case("workers: {name: a}\n", "1:10: a list of workers is wanted here, and this is a mapping")]
#[case(
    "- name: a\n",
    "1:1: the registry is a mapping with the keys workers, defaults, active, session-wait, live, discover, and this is a list"
)]
#[case(
    "text\n",
    "1:1: the registry is a mapping with the keys workers, defaults, active, session-wait, live, discover, and this is a text"
)]
#[case(&worker_with("pod: [b]"), "3:10: \"pod\" is a text, and this is a list")]
#[case(&worker_with("pod: b\ntmux: {x: y}"), "4:11: \"tmux\" is a text, and this is a mapping")]
#[case(
    &worker_with("pod: b\ncommands: factory"),
    "4:15: commands is a mapping with the keys status, queue, dispatch, and this is a text"
)]
fn wrong_types(#[case] text: &str, #[case] told: &str) {
    assert_eq!(fault(text.as_bytes()), told);
}

#[test]
fn an_entry_that_is_no_mapping() {
    assert!(fault(b"workers:\n  - scratch\n").starts_with("2:5: a worker is a mapping with the keys name, pod, "));
}

#[rstest]
#[case("wokers: []\n", "1:1: unknown key \"wokers\" in the registry; did you mean \"workers\"?")]
#[case(
    "workers: []\nsomething: 1\n",
    "2:1: unknown key \"something\" in the registry; known are workers, defaults, active, session-wait, live, discover"
)]
#[case(&worker_with("pod: b\ncontxt: x"), "4:5: unknown key \"contxt\" in a worker; did you mean \"context\"?")]
#[case(&worker_with("Pod: b"), "3:5: unknown key \"Pod\" in a worker; did you mean \"pod\"?")]
#[case(&worker_with("pod: b\ncommands:\n  que: x"), "5:7: unknown key \"que\" in commands; did you mean \"queue\"?")]
#[case("defaults:\n  kube-config: x\n", "2:3: unknown key \"kube-config\" in defaults; did you mean \"kubeconfig\"?")]
#[case(
    "defaults:\n  pod: x\n",
    "2:3: unknown key \"pod\" in defaults; known are namespace, context, container, kubeconfig, tmux, view, preset, commands"
)]
#[case(&worker_with("pod: b\npod: c"), "4:5: the key \"pod\" is there already")]
fn wrong_keys(#[case] text: &str, #[case] told: &str) {
    assert_eq!(fault(text.as_bytes()), told);
}

#[rstest]
#[case("workers:\n  - pod: b\n", "2:5: this worker has no \"name\"")]
#[case("workers:\n  -\n", "2:4: this worker has no \"name\"")]
#[case(&worker_with("tmux: tmux"), "2:5: worker \"a\" has neither \"pod\" nor \"local\"; give it one of them")]
#[case(&worker_with("pod: b\nlocal: c"), "2:5: worker \"a\" has both \"pod\" and \"local\"; it is one or the other")]
#[case(
    "workers:\n  - name: a\n    pod: b\n  - name: c\n    pod: d\n  - pod: e\n    name: a\n",
    "7:11: \"name\": there is a worker \"a\" already, in line 2"
)]
fn workers_that_are_none(#[case] text: &str, #[case] told: &str) {
    assert_eq!(fault(text.as_bytes()), told);
}

#[rstest]
#[case("pod: My-Pod", "3:10: \"pod\": name \"My-Pod\" may not contain 'M'; allowed are lower-case letters, digits, '-' and '.'")]
#[case("pod: deploy/x_y", "3:10: \"pod\": name \"x_y\" may not contain '_'; allowed are lower-case letters, digits, '-' and '.'")]
#[case(
    "pod: job/x",
    "3:10: \"pod\": \"job\" is no kind that has pods here; write NAME, pod/NAME, deploy/NAME or statefulset/NAME"
)]
#[case("pod:", "3:8: \"pod\" has no value; give it one or leave it out")]
#[case("pod: b\nnamespace: -x", "4:16: \"namespace\": name \"-x\" may not begin with '-'; a letter or digit is needed there")]
#[case(
    "pod: b\ncontainer: a/b",
    "4:16: \"container\": name \"a/b\" may not contain '/'; allowed are lower-case letters, digits, '-' and '.'"
)]
#[case("pod: b\ncontext: -x", "4:14: \"context\": a context may not begin with '-'")]
#[case("pod: b\ncontext: \"x\\ny\"", "4:14: \"context\": a context may not contain '\\n'")]
#[case("pod: b\ncontext: \"x\\ey\"", "4:14: \"context\" may not contain '\\u{1b}'")]
#[case("pod: b\nview: seemless", "4:11: \"view\": unknown value \"seemless\"; did you mean \"seamless\"?")]
#[case("pod: b\npreset: taintfactry", "4:13: \"preset\": unknown value \"taintfactry\"; did you mean \"taintfactory\"?")]
#[case("pod: b\ntmux: \"tmux 'x\"", "4:11: \"tmux\": a quote is not closed")]
#[case("pod: b\ntmux: ' '", "4:11: \"tmux\": it has no words")]
#[case("local: ~root/x", "3:12: \"local\": \"~root/x\": only ~ and ~/… are understood, not another user's home")]
#[case("local: \"a\\nb\"", "3:12: \"local\": a path may not contain '\\n'")]
fn wrong_values(#[case] lines: &str, #[case] told: &str) {
    assert_eq!(fault(worker_with(lines).as_bytes()), told);
}

#[test]
fn a_wrong_name_is_told_with_its_character() {
    let told = "2:11: \"name\": worker name \"A b\" may not contain 'A'; allowed are lower-case letters, digits, '-' and '.'";
    assert_eq!(fault(b"workers:\n  - name: A b\n"), told);
}

#[rstest]
#[case("status: \"it's\"", "4:15: \"status\": a quote is not closed")]
#[case("dispatch: add {isue}", "4:17: \"dispatch\": unknown placeholder {isue}; did you mean \"issue\"?")]
#[case("status: show {project}", "4:15: \"status\": unknown placeholder {project}; this command has none")]
#[case("dispatch: a [-i {intent}", "4:17: \"dispatch\": a '[' group is not closed; write '[[' for a bracket that is meant")]
#[case("dispatch: a {issue", "4:17: \"dispatch\": the '{' in \"{issue\" is not closed; write '{{' for a brace that is meant")]
fn wrong_templates(#[case] line: &str, #[case] told: &str) {
    let text = format!("workers:\n  - pod: b\n    commands:\n      {line}\n    name: a\n");
    assert_eq!(fault(text.as_bytes()), told);
}

#[rstest]
#[case("active: 60\n", "1:9: \"active\": \"60\" is no time; write a number and a unit, e.g. 60s")]
#[case("active: 0s\n", "1:9: \"active\": it must be more than zero")]
#[case("workers: []\nactive:\n  - 1s\n", "3:3: \"active\" is a text, and this is a list")]
fn wrong_times(#[case] text: &str, #[case] told: &str) {
    assert_eq!(fault(text.as_bytes()), told);
}

#[test]
fn a_socket_path_has_room_for_97_bytes() {
    let told = fault(worker_with(&format!("local: /{}", "x".repeat(200))).as_bytes());
    assert!(told.starts_with("3:12: \"local\": /xx") && told.contains("201 bytes"), "{told}");
}

#[test]
fn the_original_four_keys() {
    let text = "workers:\n  - name: worker-1\n    pod: factory-worker-1\n    namespace: factory\n    context: do-nyc1-factory\n";
    let workers = workers(text);
    let [worker] = workers.as_slice() else { panic!("{workers:?}") };
    assert_eq!(worker.name.as_str(), "worker-1");
    let place = pod(worker);
    assert_eq!(place.pod, PodRef::Any("factory-worker-1".parse().unwrap()));
    assert_eq!(place.namespace.as_ref().map(|name| name.as_str()), Some("factory"));
    assert_eq!(place.context.as_deref(), Some("do-nyc1-factory"));
    assert_eq!((&place.container, &place.kubeconfig), (&None, &None));
    assert_eq!((worker.tmux.as_slice(), worker.view), (["tmux".to_owned()].as_slice(), ViewMode::Seamless));
    let commands = &worker.commands;
    assert_eq!(commands.preset, Preset::Factory);
    assert_eq!(commands.status.as_ref().unwrap().fill(&[]), ["factory", "status"]);
    assert_eq!(commands.queue.as_ref().unwrap().fill(&[]), ["factory", "queue", "list", "--format", "json"]);
}

#[rstest]
#[case("")]
#[case("# nothing yet\n")]
#[case("---\n")]
#[case("workers:\n")]
#[case("workers: []\ndefaults:\n")]
#[case("\u{feff}workers: []\n")]
#[case("\u{feff}workers:\r\n# x\r\n")]
fn a_file_that_says_nothing_has_no_workers(#[case] text: &str) {
    assert!(workers(text).is_empty());
}

#[test]
fn every_kind_of_pod_reference() {
    let named = |text: &str| pod(&workers(&worker_with(&format!("pod: {text}")))[0]).pod.clone();
    let x = || "x".parse().unwrap();
    for (kinds, expected) in [
        (["pod/x", "pods/x", "po/x"], PodRef::Pod(x())),
        (["deploy/x", "deployment/x", "deployments.apps/x"], PodRef::Deployment(x())),
        (["sts/x", "statefulset/x", "statefulset.apps/x"], PodRef::StatefulSet(x())),
    ] {
        for text in kinds {
            assert_eq!(named(text), expected, "{text}");
        }
    }
}

#[test]
fn defaults_hold_where_a_worker_says_nothing_wherever_they_stand() {
    let text = "
workers:
  - {name: a, pod: a}
  - {name: b, pod: b, context: own, tmux: tmux -L own, view: seamless, preset: factory}
defaults:
  context: common
  namespace: spaces
  container: box
  kubeconfig: ~/.kube/other
  tmux: tmux -L gc
  view: plain
  preset: taintfactory
";
    let workers = workers(text);
    let (a, b) = (&workers[0], &workers[1]);
    assert_eq!((pod(a).context.as_deref(), pod(b).context.as_deref()), (Some("common"), Some("own")));
    assert_eq!(pod(b).kubeconfig.as_deref(), Some(Path::new("/home/me/.kube/other")));
    assert_eq!((a.tmux.join(" "), b.tmux.join(" ")), ("tmux -L gc".to_owned(), "tmux -L own".to_owned()));
    assert_eq!((a.view, b.view), (ViewMode::Plain, ViewMode::Seamless));
    assert_eq!((a.commands.preset, b.commands.preset), (Preset::TaintFactory, Preset::Factory));
}

#[test]
fn commands_are_merged_key_by_key() {
    let text = "
defaults:
  commands: {status: common status, queue: common queue}
workers:
  - {name: a, pod: a, commands: {status: own status}}
  - {name: b, pod: b, commands: {queue: ''}}
  - {name: c, pod: c, commands: {queue: null}}
";
    let workers = workers(text);
    let [a, b, c] = workers.as_slice() else { panic!("{workers:?}") };
    let text = |template: &Option<crate::registry::template::Template>| template.as_ref().map(ToString::to_string);
    assert_eq!(text(&a.commands.status).as_deref(), Some("own status"));
    assert_eq!(text(&a.commands.queue).as_deref(), Some("common queue"));
    assert_eq!(a.commands.dispatch, Preset::Factory.dispatch());
    assert_eq!((&b.commands.queue, &c.commands.queue), (&None, &None));
}

#[rstest]
#[case("~/", "/home/me")]
#[case("~/a b", "/home/me/a b")]
#[case("x/./y", "/etc/factory/x/y")]
#[case("/abs", "/abs")]
fn paths_begin_at_the_home_or_at_the_file(#[case] written: &str, #[case] meant: &str) {
    let Place::Local(directory) = &workers(&worker_with(&format!("local: {written:?}")))[0].place else { panic!() };
    assert_eq!(directory, Path::new(meant));
}

#[test]
fn anchors_and_numbers_are_yaml_too() {
    let workers = workers("workers:\n  - {name: 1, pod: &p a-2}\n  - {name: b, pod: *p}\nactive: 90s\n");
    assert_eq!(workers[0].name.as_str(), "1");
    assert_eq!(pod(&workers[1]).pod, PodRef::Any("a-2".parse().unwrap()));
    assert_eq!(understand(b"active: 90s", &base()).unwrap().active, Some(Duration::from_secs(90)));
    assert_eq!(understand(b"session-wait: 5m", &base()).unwrap().session_wait, Some(Duration::from_secs(300)));
}

#[test]
fn words_in_quotes_are_texts_and_without_them_they_are_nothing() {
    for word in ["null", "~", "Null", "NULL"] {
        let named = |written: &str| pod(&workers(&worker_with(&format!("pod: b\ncontext: {written}")))[0]).context.clone();
        for written in [format!("\"{word}\""), format!("'{word}'"), format!("!!str {word}"), format!("|-\n  {word}")] {
            assert_eq!(named(&written).as_deref(), Some(word), "{written}");
        }
        let told = fault(worker_with(&format!("pod: b\ncontext: {word}")).as_bytes());
        assert_eq!(told, "4:14: \"context\" has no value; give it one or leave it out");
    }
    let commands = |value: &str| workers(&worker_with(&format!("pod: b\ncommands: {{status: {value}}}")))[0].commands.clone();
    assert_eq!(commands("\"null\"").status.map(|status| status.to_string()).as_deref(), Some("null"));
    assert_eq!((commands("null").status, commands("~").status, commands("''").status), (None, None, None));
    assert_eq!(workers("workers:\n  - {name: 'null', pod: x}\n")[0].name.as_str(), "null");
}

#[rstest]
#[case("/a:/b")]
#[case("~/a:b")]
fn a_kubeconfig_is_one_file(#[case] written: &str) {
    let told = fault(worker_with(&format!("pod: b\nkubeconfig: {written}")).as_bytes());
    assert!(told.starts_with(&format!("4:17: \"kubeconfig\": \"{written}\" is a list of files; ")), "{told}");
}

/// Pieces that a registry is made of, in any order.
const PIECES: &str = "(workers:|defaults:|commands:|active:|- |  |    |\n|name: a|name: B|pod: deploy/x|local: ~/y|tmux: |view: |preset: |\\{|\\}|\\[|\\]|, |'|\"|&a |\\*a |<<: |!!x |---\n|\t|é|\u{1b}|0x1f|~|# |\\||>){0,30}";

proptest! {
    #[test]
    fn any_text_is_a_registry_or_refused_at_a_place(text in PIECES) {
        let read = read("/home/me/workers.yaml".as_ref(), text.as_bytes());
        for invalid in read.iter().flat_map(|document| &document.invalid) {
            prop_assert!(!invalid.reason.contains(char::is_control) && invalid.line > 0 && invalid.column > 0, "{invalid:?}");
        }
        if let Err(problem) = read {
            let place = problem.what.strip_prefix("/home/me/workers.yaml:").unwrap();
            let numbers: Vec<_> = place.splitn(3, ':').take(2).map(str::parse::<usize>).collect();
            prop_assert!(numbers.len() == 2 && numbers.iter().all(Result::is_ok), "{}", problem.what);
            prop_assert!(!problem.what.contains(char::is_control), "{:?}", problem.what);
        }
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = read("/w".as_ref(), &bytes);
    }
}

fn sources(text: &str) -> Vec<Source> {
    understand(text.as_bytes(), &base()).unwrap().sources
}

#[test]
fn sources_have_defaults_of_their_own() {
    let text = "
defaults: {context: common, namespace: spaces, container: box, tmux: tmux -L own, view: plain}
discover:
  - pods: {selector: a=b}
  - gascity: {}
  - gastown: {context: town, namespace: n, prefix: '', stuck: 1h}
  - gastown:
";
    let [pods, city, town, other] = sources(text).try_into().unwrap();
    let place = |source: &Source| {
        let name = |name: &Option<crate::registry::names::ObjectName>| name.as_ref().map(ToString::to_string).unwrap_or_default();
        [source.context.clone().unwrap_or_default(), name(&source.namespace), name(&source.container), source.prefix.clone()]
            .join(" ")
    };
    assert_eq!(place(&pods), "common spaces box ");
    assert_eq!(place(&city), "common gc agent gc-");
    assert_eq!(place(&town), "town n claude ");
    assert_eq!(place(&other), "common gastown claude pc-");
    assert_eq!((pods.tmux.join(" ").as_str(), city.tmux.join(" ").as_str()), ("tmux -L own", "tmux"));
    assert!(pods.commands.queue.is_some() && city.commands.queue.is_none() && town.commands.queue.is_none());
    assert_eq!((town.stuck_after.as_secs(), other.stuck_after.as_secs()), (3600, 900));
    let names: Vec<String> = [pods, city, town, other].iter().map(ToString::to_string).collect();
    assert_eq!(names, ["discover:pods", "discover:gascity", "discover:gastown#1", "discover:gastown#2"]);
}

#[rstest]
#[case("discover: {pods: x}\n", "1:11: a list of sources is wanted here, and this is a mapping")]
#[case("discover:\n  - podz: {}\n", "2:5: unknown key \"podz\" in a source; did you mean \"pods\"?")]
#[case(
    "discover:\n  - pods: {prefix: a}\n",
    "2:11: this source has no \"selector\"; say which pods, e.g. app.kubernetes.io/name=factory-worker"
)]
#[case("discover:\n  - {}\n", "2:5: this source is nothing; give it one of pods, gascity, gastown")]
#[case(
    "discover:\n  - gastown: {}\n    gascity: {}\n",
    "3:14: a source is one thing, and this one is gastown already; begin a new one with \"-\""
)]
#[case(
    "discover:\n  - gascity: {selector: a}\n",
    "2:15: unknown key \"selector\" in a gascity source; known are prefix, namespace, context, kubeconfig, tmux, view"
)]
#[case(
    "discover:\n  - gastown: {container: a}\n",
    "2:15: unknown key \"container\" in a gastown source; known are prefix, namespace, context, kubeconfig, stuck, tmux, view"
)]
#[case(
    "discover:\n  - gascity: {prefix: G_}\n",
    "2:23: \"prefix\": \"G_\" is nothing that a worker's name may begin with: lower-case letters, digits, '-' and '.'"
)]
#[case("discover:\n  - gastown: {stuck: 9}\n", "2:22: \"stuck\": \"9\" is no time; write a number and a unit, e.g. 60s")]
#[case("discover:\n  - gascity: {context: -x}\n", "2:24: \"context\": a context may not begin with '-'")]
fn wrong_sources(#[case] text: &str, #[case] told: &str) {
    assert_eq!(fault(text.as_bytes()), told);
}
