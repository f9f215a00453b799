//! What a container has said so far, through a gateway, as `kubectl logs` prints it.
//!
//! What is refused is kubectl's to tell: nothing was handed on by then. Behind its status an answer is told whole from one that is
//! cut (HTTP/1.1), so that nothing that was said never means that it was not heard.

use std::io;
use std::time::{Duration, Instant};

use super::arriving::{Asked, More, cut, wait};
use super::{Gateways, Target, log};
use crate::cluster::Cluster;
use crate::cluster::objects::{Log, Part};
use crate::failure::Failure;
use crate::registry::names::ObjectName;

/// A longer line is handed on in pieces.
const LINE_CAP: usize = 1 << 20;
/// How often whoever reads may notice that nobody wants to hear any more.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Whose log, and how much of it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub pod: &'a ObjectName,
    pub container: Option<&'a ObjectName>,
    /// It is not followed.
    pub log: Log,
    /// Only what was said within so long.
    pub since: Option<Duration>,
}

impl Gateways {
    /// Hand on a log, line by line, as it comes; `patience` bounds the time without a word. `None` when kubectl has to be asked.
    ///
    /// # Errors
    /// It ended, or stopped, in the middle; or `take` failed.
    pub fn read_log(
        &self,
        cluster: &Cluster,
        wanted: Wanted<'_>,
        patience: Duration,
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Option<anyhow::Result<()>> {
        let until = Instant::now() + patience;
        let (gateway, namespace, _) = self.way(cluster, until)?;
        let Wanted { pod, container, log, since } = wanted;
        let target = Target { namespace: &namespace, pod, container };
        let asked = log::granted(&*gateway, target, log, since, until).ok()?.ok()?;
        let told = |failure| cluster.named(gateway.explained(failure));
        Some(hand_on(asked, patience, &mut take).and_then(|end| end.map_err(|failure| told(failure).into())))
    }

    /// Whether a container has said anything since so long; `None` when kubectl has to be asked.
    pub fn has_said(
        &self,
        cluster: &Cluster,
        pod: &ObjectName,
        container: Option<&ObjectName>,
        since: Duration,
        deadline: Instant,
    ) -> Option<bool> {
        let log = Log { part: Part::Last(1), previous: false, follow: false };
        let wanted = Wanted { pod, container, log, since: Some(since) };
        let mut has_said = false;
        let read = self.read_log(cluster, wanted, deadline.saturating_duration_since(Instant::now()), |line| {
            has_said |= !line.is_empty();
            Ok(())
        });
        read?.ok().map(|()| has_said)
    }
}

/// The inner result is how the log has ended.
fn hand_on(
    mut asked: Asked,
    patience: Duration,
    take: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> anyhow::Result<Result<(), Failure>> {
    let (mut begun, mut last_word) = (Vec::new(), Instant::now());
    loop {
        let before = begun.len();
        let more = match asked.more(&mut begun) {
            Ok(more) => more,
            Err(failure) => return Ok(Err(failure)),
        };
        let now = Instant::now();
        if begun.len() > before {
            last_word = now;
        } else {
            take(b"")?;
        }
        // Whole lines; also one that is too long, and the last one of all.
        let whole = begun.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let ready = if more != More::Perhaps || begun.len() - whole >= LINE_CAP { begun.len() } else { whole };
        for line in begun[..ready].split_inclusive(|&byte| byte == b'\n') {
            take(line)?;
        }
        begun.drain(..ready);
        match more {
            More::End => return Ok(Ok(())),
            More::Cut => return Ok(Err(cut())),
            More::Perhaps if now >= last_word + patience => return Ok(Err(Failure::no_answer(""))),
            More::Perhaps => wait(&[asked.arriving()], now + LOOK_EVERY)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;
    use std::thread;

    use rstest::rstest;

    use super::super::arriving::{Arriving, Way};
    use super::*;

    /// Somebody who answers each question so, and ends the connection.
    struct Answering(&'static str);

    impl Way for Answering {
        fn begin(&self, path: &str, accept: &str, _deadline: Instant) -> Result<Arriving, Failure> {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            let answer = self.0;
            let stream = Arriving::of(ours, path, accept, None).unwrap();
            thread::spawn(move || theirs.write_all(answer.as_bytes()));
            Ok(stream)
        }

        fn explained(&self, failure: Failure) -> Failure {
            failure
        }
    }

    /// What is handed on, and how it ends.
    fn read(answer: &'static str) -> (Vec<String>, Option<String>) {
        let until = Instant::now() + Duration::from_secs(60);
        let mut asked = Asked::of(&Answering(answer), "/log".to_owned(), log::TEXT, until).unwrap();
        while asked.status(&Answering(answer)).unwrap().is_none() {
            wait(&[asked.arriving()], until).unwrap();
        }
        let mut lines = Vec::new();
        let mut take = |line: &[u8]| {
            lines.extend((!line.is_empty()).then(|| String::from_utf8_lossy(line).into_owned()));
            Ok(())
        };
        let end = hand_on(asked, Duration::from_secs(60), &mut take).unwrap();
        (lines, end.err().map(|failure| failure.reason))
    }

    #[rstest]
    #[case::whole("Transfer-Encoding: chunked\r\n\r\n5\r\none\nt\r\n3\r\nwo\n\r\n0\r\n\r\n", &["one\n", "two\n"], None)]
    #[case::without_a_line_end("Content-Length: 3\r\n\r\none", &["one"], None)]
    #[case::nothing("Content-Length: 0\r\n\r\n", &[], None)]
    #[case::cut("Transfer-Encoding: chunked\r\n\r\n5\r\none\nt\r\n", &["one\n", "t"], Some("the connection was cut: unexpected EOF"))]
    #[case::cut_before_the_first("Transfer-Encoding: chunked\r\n\r\n", &[], Some("the connection was cut: unexpected EOF"))]
    fn a_log_that_is_cut_is_not_taken_for_all_of_it(#[case] answer: &str, #[case] lines: &[&str], #[case] end: Option<&str>) {
        let answer: &'static str = Box::leak(format!("HTTP/1.1 200 OK\r\n{answer}").into_boxed_str());
        let (handed, ended) = read(answer);
        assert_eq!((handed.iter().map(String::as_str).collect::<Vec<_>>(), ended.as_deref()), (lines.to_vec(), end));
    }
}
