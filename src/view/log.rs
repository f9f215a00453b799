//! A log in a window, over broken connections and new pods, until what writes it has ended: not by the plan of a view, whose
//! rules are about what a log has not (a client on the worker, a session that may be another one of its name, a terminal
//! that kubectl takes, proof of an end from two sides: of a log the pod alone says it). Only the waits are the plan's.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use super::plan::Backoff;
use crate::cluster::login::{self, Manner};
use crate::failure::{Failure, Kind};
use crate::remote::pod::Pod;
use crate::remote::polecat_log::Log;
use crate::terminal::key::{AFTER, QUIET};
use crate::terminal::style::{self, Style};
use crate::terminal::{self, neutralise};

/// How long a key may wait to be noticed.
const KEY_CHECK: Duration = Duration::from_millis(30);
/// An agent may say nothing for an hour, and so may a connection that is dead: after so much silence somebody else is asked.
const SILENCE: Duration = Duration::from_secs(15);

/// What the cluster says of the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Tells a pod from another one of its name; `None` without a pod.
    pub pod: Option<String>,
    /// How its agent ended, if it did; neutralised.
    pub over: Option<String>,
}

/// Which log, and whom to ask about its pod.
pub struct LogView<'a> {
    pub log: &'a Log,
    /// What is followed, for the first line.
    pub title: &'a str,
    /// Fails while there is nothing to read yet, or nobody to ask.
    pub look: &'a (dyn Fn() -> Result<Look, Failure> + Sync),
    pub timeout: Duration,
    /// It is in a window of ours, which closes with it.
    pub in_window: bool,
}

/// How a log that was followed ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogOutcome {
    /// The operator left; the agent goes on.
    Left,
    /// The agent did, so.
    Ended(String),
}

enum News {
    Said(Vec<u8>),
    NewPod,
    /// Nothing comes, and why; it is tried again.
    Broken(String),
    /// The same, but it is for the operator to say when: each try is a login.
    NotLoggedIn(String),
    Back,
    Ended(String),
}

/// Show the log and what comes, until its end or a key that leaves.
///
/// # Errors
/// There is no terminal.
pub fn follow(view: &LogView<'_>) -> io::Result<LogOutcome> {
    let raw = Raw::enter()?;
    let mut shown = Lines::default();
    shown.remark(&format!("{} · Alt-t opens a shell in its pod · q leaves", view.title))?;
    let (leave, again) = (AtomicBool::new(false), AtomicBool::new(false));
    let (sender, news) = mpsc::channel();
    let outcome = thread::scope(|scope| {
        scope.spawn(|| Follower { view, leave: &leave, again: &again, news: sender, pod: None, seen: 0 }.run());
        let outcome = show(view, &news, &again, &mut shown);
        leave.store(true, Ordering::Relaxed);
        outcome
    });
    drop(raw);
    outcome
}

fn show(view: &LogView<'_>, news: &Receiver<News>, again: &AtomicBool, shown: &mut Lines) -> io::Result<LogOutcome> {
    let mut leaving = Leaving::begin(view.in_window);
    loop {
        if leaving.is_due() {
            return Ok(LogOutcome::Left);
        }
        while let Ok(news) = news.try_recv() {
            match news {
                News::Said(line) => shown.say(&line)?,
                News::NewPod => shown.remark("a new pod begins")?,
                News::Broken(why) => shown.remark(&format!("{why}; trying again"))?,
                News::NotLoggedIn(why) => shown.remark(&format!("{why}; Enter tries again"))?,
                News::Back => shown.remark("connected again")?,
                News::Ended(how) => return Ok(LogOutcome::Ended(how)),
            }
        }
        if !event::poll(KEY_CHECK)? {
            continue;
        }
        let Event::Key(key) = event::read()? else { continue };
        if key.kind != KeyEventKind::Press {
            continue;
        }
        let leaves = match key.code {
            KeyCode::Char('c' | 'd') => key.modifiers.contains(KeyModifiers::CONTROL),
            code => code == KeyCode::Char('q'),
        };
        leaving.hear(leaves);
        if key.code == KeyCode::Enter {
            again.store(true, Ordering::Relaxed);
        }
        if key.code == KeyCode::Char('t') && key.modifiers.contains(KeyModifiers::ALT) {
            shell(view, shown)?;
            leaving.hear(false);
        }
    }
}

/// Whether the operator leaves. A window closes by a key that was meant so only: what is typed in the belief that there is a
/// session would run in the window beneath.
struct Leaving {
    quiet: Duration,
    after: Duration,
    last: Instant,
    at: Option<Instant>,
}

impl Leaving {
    fn begin(in_window: bool) -> Self {
        let (quiet, after) = if in_window { (QUIET, AFTER) } else { (Duration::ZERO, Duration::ZERO) };
        Self { quiet, after, last: Instant::now(), at: None }
    }

    fn hear(&mut self, leaves: bool) {
        let now = Instant::now();
        let counts = leaves && now.duration_since(self.last) >= self.quiet;
        self.last = now;
        self.at = counts.then(|| now + self.after);
    }

    fn is_due(&self) -> bool {
        self.at.is_some_and(|at| Instant::now() >= at)
    }
}

/// A shell in the pod, in place of the log until it ends.
fn shell(view: &LogView<'_>, shown: &mut Lines) -> io::Result<()> {
    shown.remark("a shell in its pod; the log comes back when it ends")?;
    disable_raw_mode()?;
    let log = view.log;
    let pod = Pod::known(log.cluster.clone(), log.pod.clone(), log.container().cloned());
    let ended = super::shell(Arc::new(pod), view.timeout);
    enable_raw_mode()?;
    match ended {
        Ok(None) => shown.remark("no shell was opened"),
        Ok(Some(ended)) if matches!(ended.status, 0 | 130) => shown.remark("the shell has ended"),
        Ok(Some(ended)) => shown.remark(&ended.said.unwrap_or_else(|| format!("the shell ended with status {}", ended.status))),
        Err(error) => shown.remark(&format!("{error:#}")),
    }
}

/// Reads the log on a thread of its own.
struct Follower<'a> {
    view: &'a LogView<'a>,
    leave: &'a AtomicBool,
    /// The operator wants it to be tried again.
    again: &'a AtomicBool,
    news: Sender<News>,
    /// Whose log it is.
    pod: Option<String>,
    /// How many bytes of it were handed on: what is read again begins with these.
    seen: usize,
}

impl Follower<'_> {
    fn run(mut self) {
        // The terminal is ours: no login plugin may ask on it.
        let _asking = login::acting(Manner::InView);
        let mut backoff = Backoff::new();
        let mut broken: Option<String> = None;
        while !self.leave.load(Ordering::Relaxed) {
            match self.round(&mut broken) {
                Ok(Some(how)) => return drop(self.news.send(News::Ended(how))),
                Ok(None) => backoff.reset(),
                Err(failure) => {
                    let why = format!("{}: {}", failure.status(), failure.reason);
                    if failure.kind == Kind::Unauthorized {
                        self.wait_for_operator(why.clone());
                        broken = Some(why);
                        continue;
                    }
                    if broken.as_ref() != Some(&why) {
                        let _ = self.news.send(News::Broken(why.clone()));
                        broken = Some(why);
                    }
                }
            }
            self.rest(backoff.next(None));
        }
    }

    fn rest(&self, pause: Duration) {
        let end = Instant::now() + pause;
        while Instant::now() < end && !self.leave.load(Ordering::Relaxed) {
            thread::sleep(KEY_CHECK);
        }
    }

    /// Say why nobody is let in, and wait until it is to be tried again.
    fn wait_for_operator(&self, why: String) {
        self.again.store(false, Ordering::Relaxed);
        let _ = self.news.send(News::NotLoggedIn(why));
        while !self.leave.load(Ordering::Relaxed) && !self.again.swap(false, Ordering::Relaxed) {
            thread::sleep(KEY_CHECK);
        }
    }

    /// Ask beside a connection that may be well whether it still is of use; nobody wants a login for that. What could not be asked
    /// proves nothing.
    fn is_of_use(view: &LogView<'_>, pod: &Option<String>) -> bool {
        let _unasked = login::acting(Manner::Unasked);
        match (view.look)() {
            Ok(Look { pod: there, over }) => over.is_none() && there == *pod,
            Err(failure) => failure.kind == Kind::Unauthorized || login::is_unasked(&failure),
        }
    }

    /// One connection, to its end; how the agent ended, when it has.
    fn round(&mut self, broken: &mut Option<String>) -> Result<Option<String>, Failure> {
        let look = (self.view.look)()?;
        if broken.take().is_some() {
            let _ = self.news.send(News::Back);
        }
        let Some(pod) = look.pod else { return Ok(look.over) };
        if self.pod.as_ref().is_some_and(|before| *before != pod) {
            let _ = self.news.send(News::NewPod);
            self.seen = 0;
        }
        self.pod = Some(pod);
        if look.over.is_some() {
            return self.rest_of_log().map(|()| look.over);
        }
        let read = self.read(true);
        match (self.view.look)()? {
            // What came between the end of the connection and the end of the agent is read as well.
            Look { pod, over: Some(how) } if pod == self.pod => {
                self.rest_of_log()?;
                Ok(Some(how))
            }
            _ => read.map(|()| None),
        }
    }

    /// What is left to read of an agent that has ended. One that never began, since an init container before it failed, has no
    /// log.
    fn rest_of_log(&mut self) -> Result<(), Failure> {
        match self.read(false) {
            Err(failure) if matches!(failure.kind, Kind::Completed | Kind::Crashing) => Ok(()),
            result => result,
        }
    }

    fn read(&mut self, follow: bool) -> Result<(), Failure> {
        let mut skip = self.seen;
        let mut asked = Instant::now();
        let mut given_up = false;
        let (view, leave, news, pod, seen) = (self.view, self.leave, &self.news, &self.pod, &mut self.seen);
        let result = view.log.read(follow, view.timeout, |line| {
            if !line.is_empty() {
                asked = Instant::now();
            } else if follow && asked.elapsed() > SILENCE {
                asked = Instant::now();
                given_up = !Self::is_of_use(view, pod);
            }
            if given_up || leave.load(Ordering::Relaxed) {
                given_up = true;
                return Err(io::ErrorKind::Interrupted.into());
            }
            let known = skip.min(line.len());
            skip -= known;
            if known < line.len() {
                *seen += line.len() - known;
                let _ = news.send(News::Said(line[known..].to_vec()));
            }
            Ok(())
        });
        match result {
            Err(error) if !given_up => Err(match error.downcast::<Failure>() {
                Ok(failure) => failure,
                Err(other) => Failure::new(Kind::Unreachable, format!("{other:#}")),
            }),
            _ => Ok(()),
        }
    }
}

/// The terminal in raw mode, so that keys are noticed as they are pressed.
struct Raw(());

impl Raw {
    fn enter() -> io::Result<Self> {
        terminal::remember()?;
        enable_raw_mode()?;
        Ok(Self(()))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
        terminal::forget();
    }
}

/// What is on the screen, as lines.
#[derive(Default)]
struct Lines {
    /// The last one has no end yet.
    begun: bool,
}

impl Lines {
    fn say(&mut self, line: &[u8]) -> io::Result<()> {
        let text = if style::colour() { neutralise::coloured(line) } else { neutralise::plain(line) };
        self.begun = !text.ends_with('\n');
        write(&text.replace('\n', "\r\n"))
    }

    /// A line of our own among them.
    fn remark(&mut self, text: &str) -> io::Result<()> {
        let before = if std::mem::take(&mut self.begun) { "\r\n" } else { "" };
        write(&format!("{before}{}\r\n", Style::Dim.paint(&format!("[{}]", neutralise::line(text)))))
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
