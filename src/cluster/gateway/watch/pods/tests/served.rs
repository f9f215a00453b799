//! Servers that do not behave, and lists of many pages: whatever they say, pods are told of, or a loss is.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::thread;

use super::*;
use crate::cluster::gateway::arriving::Arriving;

/// A way to a server that answers by this.
struct Served<Answer>(Arc<Answer>, Notes);

/// What was asked for.
type Notes = Arc<Mutex<Vec<String>>>;
type Open<Answer> = Box<dyn FnMut() -> Result<Arc<Served<Answer>>, Failure>>;

/// The path and what was asked for before it; the body, and whether the connection ends behind it.
impl<Answer: Fn(&str, usize) -> (u16, Vec<u8>, bool) + Send + Sync + 'static> Way for Served<Answer> {
    fn begin(&self, path: &str, accept: &str, _: Instant) -> Result<Arriving, Failure> {
        let (here, mut there) = UnixStream::pair().unwrap();
        let (answer, asked) = (self.0.clone(), self.1.clone());
        thread::spawn(move || {
            let mut reader = BufReader::new(there.try_clone().unwrap());
            let mut first = String::new();
            reader.read_line(&mut first).unwrap();
            let path = first.split(' ').nth(1).unwrap().to_owned();
            let kind = if path.contains("watch=true") {
                "watch"
            } else if path.contains("limit=500") {
                "look"
            } else {
                "list"
            };
            let before = {
                let mut asked = asked.lock().unwrap();
                asked.push(kind.to_owned());
                asked.iter().filter(|before| *before == kind).count() - 1
            };
            let (status, body, ends) = answer(&path, before);
            let length = if ends { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
            let _ = there.write_all(format!("HTTP/1.1 {status} x\r\n{length}\r\n").as_bytes());
            let _ = there.write_all(&body);
            if !ends {
                // Until nobody listens any more.
                let mut line = Vec::new();
                while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {}
            }
        });
        Ok(Arriving::of(here, path, accept, None).unwrap())
    }

    fn explained(&self, failure: Failure) -> Failure {
        failure
    }
}

fn metadata(name: &str, version: u32) -> String {
    format!(r#"{{"metadata":{{"name":"{name}","uid":"of-{name}","resourceVersion":"{version}"}}}}"#)
}

fn list(items: &[String], version: u32, next: &str) -> (u16, Vec<u8>, bool) {
    let about = format!(r#"{{"resourceVersion":"{version}","continue":"{next}"}}"#);
    (200, format!(r#"{{"metadata":{about},"items":[{}]}}"#, items.join(",")).into_bytes(), true)
}

fn lines(lines: &[&str]) -> (u16, Vec<u8>, bool) {
    (200, lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes(), false)
}

fn expired() -> (u16, Vec<u8>, bool) {
    (410, br#"{"kind":"Status","reason":"Expired","message":"too old","code":410}"#.to_vec(), true)
}

/// A watch of what answers so, and what was asked of it.
fn served<Answer: Fn(&str, usize) -> (u16, Vec<u8>, bool) + Send + Sync + 'static>(
    answer: Answer,
) -> (Pods<Served<Answer>, Open<Answer>>, Notes) {
    let asked = Notes::default();
    let (answer, notes) = (Arc::new(answer), asked.clone());
    let cluster = Cluster { kubeconfig: None, context: None, namespace: Some("n".parse().unwrap()) };
    let open: Open<Answer> = Box::new(move || Ok(Arc::new(Served(answer.clone(), notes.clone()))));
    (Pods::of(cluster, open).unwrap(), asked)
}

/// What stands in a query.
fn is(path: &str, word: &str) -> bool {
    path.split(['?', '&']).any(|there| there == word)
}

#[test]
fn a_list_comes_in_pages_and_once_more_in_one_when_they_have_grown_too_old() {
    let (mut pods, _) = served(|path, before| match path {
        _ if is(path, "watch=true") => lines(&[]),
        _ if is(path, "limit=500") => list(&["a", "b", "c"].map(|name| metadata(name, 1)), 9, ""),
        _ if is(path, "continue=2") && before == 1 => expired(),
        _ if is(path, "limit=250") => list(&[metadata("old", 1)], 9, "2"),
        _ => list(&["a", "b", "c"].map(|name| metadata(name, 1)), 9, ""),
    });
    assert_eq!(up_to(&mut pods, |said| said == "="), ["+a", "+b", "+c", "="]);
    let (mut pods, _) = served(|path, _| match path {
        _ if is(path, "watch=true") => lines(&[]),
        _ if is(path, "continue=2%2F") => list(&[metadata("c", 1)], 9, ""),
        _ => list(&["a", "b"].map(|name| metadata(name, 1)), 9, "2/"),
    });
    assert_eq!(up_to(&mut pods, |said| said == "="), ["+a", "+b", "+c", "="]);
}

#[rstest]
#[case::no_json("what?", "makes no sense")]
#[case::html("<html><body>Service Unavailable", "makes no sense")]
#[case::no_object(r#"{"type":"ADDED"}"#, "makes no sense")]
#[case::no_name(r#"{"type":"ADDED","object":{"metadata":{}}}"#, "without a name")]
#[case::a_name_that_leads_elsewhere(
    r#"{"type":"ADDED","object":{"metadata":{"name":"../b","uid":"1","resourceVersion":"1"}}}"#,
    "without a name"
)]
#[case::unknown(r#"{"type":"RENAMED","object":{}}"#, "makes no sense")]
#[case::an_error(r#"{"type":"ERROR","object":{"code":500,"reason":"InternalError","message":"\u001b[31metcd"}}"#, "etcd")]
fn a_line_that_says_nothing_ends_the_watch_and_the_list_says_what_there_is(#[case] line: &'static str, #[case] why: &str) {
    let (mut pods, asked) = served(move |path, before| match path {
        _ if is(path, "watch=true") && before == 0 => {
            lines(&[line, &format!(r#"{{"type":"ADDED","object":{}}}"#, metadata("never", 2))])
        }
        _ if is(path, "watch=true") => lines(&[]),
        _ => list(&[metadata("a", 1)], 9, ""),
    });
    let all = up_to(&mut pods, |said| said.starts_with('!'));
    assert!(all.last().unwrap().contains(why) && !all.concat().contains('\u{1b}'), "{all:?}");
    assert_eq!(comings(&all), ["+a"]);
    up_to(&mut pods, |said| said == "=");
    assert_eq!(asked.lock().unwrap().iter().filter(|kind| *kind == "list").count(), 2);
}

#[test]
fn an_object_without_an_end_is_not_taken_in() {
    let (mut pods, _) = served(|path, before| match path {
        _ if is(path, "watch=true") && before == 0 => (200, vec![b'x'; 20 << 20], false),
        _ if is(path, "watch=true") => lines(&[]),
        _ => list(&[metadata("a", 1)], 9, ""),
    });
    let all = up_to(&mut pods, |said| said.starts_with('!'));
    assert!(all.last().unwrap().contains("more than 8 MiB"), "{all:?}");
    let (mut pods, _) = served(|_, _| (200, vec![b' '; 70 << 20], true));
    let all = up_to(&mut pods, |said| said.starts_with('!'));
    assert!(all.last().unwrap().contains("larger than 64 MiB"), "{all:?}");
}

#[test]
fn a_pod_that_makes_no_sense_is_left_out() {
    let odd = r#"{"metadata":{"name":"odd","uid":"1","resourceVersion":"1"},"status":{"containerStatuses":"none"}}"#.to_owned();
    let (mut pods, asked) = served(move |path, _| match path {
        _ if is(path, "watch=true") => lines(&[]),
        _ => list(&[metadata("a", 1), odd.clone()], 9, ""),
    });
    assert_eq!(up_to(&mut pods, |said| said == "="), ["+a", "="]);
    // And yet it is no difference to what a look sees.
    assert_eq!(up_to(&mut pods, |said| said == "="), ["="]);
    assert_eq!(asked.lock().unwrap().iter().filter(|kind| *kind == "list").count(), 1);
}

/// Where a look ends, nothing is said of those behind it.
#[test]
fn a_look_at_the_first_of_many_says_nothing_of_the_others() {
    let (mut pods, _) = served(|path, _| match path {
        _ if is(path, "watch=true") => lines(&[]),
        _ if is(path, "limit=500") => list(&[metadata("a", 1)], 9, "more"),
        _ => list(&["a", "b"].map(|name| metadata(name, 1)), 9, ""),
    });
    assert_eq!(up_to(&mut pods, |said| said == "="), ["+a", "+b", "="]);
    assert_eq!(up_to(&mut pods, |said| said == "="), ["="]);
}

/// A server, or something before it, that grants each watch and ends it at once.
#[test]
fn watches_that_end_at_once_are_asked_for_less_and_less_often() {
    let (mut pods, asked) = served(|path, _| match path {
        _ if is(path, "watch=true") => (200, Vec::new(), true),
        _ => list(&[metadata("a", 1)], 9, ""),
    });
    up_to(&mut pods, |said| said == "=");
    let began = Instant::now();
    kubesim::eventually("the fifth watch", || {
        pods.next(Instant::now() + Duration::from_millis(10));
        (asked.lock().unwrap().iter().filter(|kind| *kind == "watch").count() >= 5).then_some(())
    });
    assert!(began.elapsed() >= Duration::from_millis(2_000), "{:?}", began.elapsed());
}

/// A watch that tells of what a look has not seen yet is not ended for it, nor is one that comes a little later than the look.
#[test]
fn what_is_on_its_way_is_waited_for() {
    let (mut pods, asked) = served(|path, before| match path {
        _ if is(path, "watch=true") => lines(&[&format!(r#"{{"type":"ADDED","object":{}}}"#, metadata("b", 2))]),
        _ if is(path, "limit=500") && before == 0 => list(&[metadata("a", 1)], 9, ""),
        _ if is(path, "limit=500") => list(&[metadata("a", 1), metadata("b", 2)], 9, ""),
        _ => list(&[metadata("a", 1)], 9, ""),
    });
    let mut all = up_to(&mut pods, |said| said == "+b");
    all.extend(up_to(&mut pods, |said| said == "="));
    assert_eq!((comings(&all), losses(&all)), (vec!["+a", "+b"], vec![]));
    assert_eq!(asked.lock().unwrap().iter().filter(|kind| *kind == "watch").count(), 1);
}
