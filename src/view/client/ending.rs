//! What the end of an attach proves, and what it does not.
//!
//! Only a whole answer proves something: the exit status of `enter.sh` is one, because nothing else that kubectl reports
//! has these numbers. kubectl's own statuses (0 and 1 among them) say nothing about the session (kubernetes#73056).

use crate::cluster::kubectl_error;
use crate::failure::{Failure, Kind};
use crate::registry::names::SessionName;
use crate::terminal::neutralise;

/// How a session was found to be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// A live tmux server has no session of that name.
    NoSession,
    /// No tmux server runs. A container that is about to end loses its server first.
    NoServer,
    /// A live tmux server has a session of that name, which was made after the one that is meant.
    Another,
}

/// What the end of an attach says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Somebody detached the client; the session goes on.
    Left,
    /// It was attached, and in the same start of its container the session ended.
    Gone(Absence),
    /// The session ended, and another one has its name.
    Another,
    /// The client ended by force; the session goes on.
    Lost,
    /// It never came to attach: there is no such session.
    Absent(Absence),
    /// The connection ended, or there was none; nothing is known about the session.
    Broken(Failure),
}

impl Ending {
    /// Whether it proves that the session was shown.
    pub fn was_in(&self) -> bool {
        matches!(self, Self::Left | Self::Gone(_) | Self::Another | Self::Lost)
    }

    /// By the statuses of `enter.sh`; `said` is what kubectl wrote on standard error.
    pub fn of(status: i32, said: &[u8], session: &SessionName) -> Self {
        let name = neutralise::line(session.as_str());
        match status {
            84 => Self::Absent(Absence::NoSession),
            85 => Self::Absent(Absence::NoServer),
            86 => Self::Broken(Failure::new(Kind::NoTmux, "there is no tmux in it").before_start()),
            87 => {
                let why = format!("several sessions are named {name:?}, so none was entered");
                Self::Broken(Failure::new(Kind::Failed, why).before_start().lasting())
            }
            88 => Self::Broken(no_terminal_type()),
            89 => Self::Absent(Absence::Another),
            90 => Self::Broken(mirror()),
            94 => Self::Broken(
                Failure::new(Kind::Incomplete, "its tmux does not list its sessions")
                    .before_start()
                    .with_remedy("`factory-worker doctor` tests its tmux"),
            ),
            95 => Self::Left,
            96 => Self::Lost,
            97 => Self::Gone(Absence::NoSession),
            98 => Self::Another,
            99 => Self::Gone(Absence::NoServer),
            status => Self::Broken(broken(status, said)),
        }
    }
}

/// Why a session is not entered that shows the terminal that it would be shown on.
pub fn mirror() -> Failure {
    Failure::new(Kind::Failed, "this terminal is shown in that very session, which would show itself in itself without an end")
        .before_start()
        .lasting()
        .with_remedy("run it outside of that session, or look into it with `factory-worker peek`")
}

fn no_terminal_type() -> Failure {
    let what = "it knows none of the terminal types tmux-256color, screen-256color, xterm-256color";
    Failure::new(Kind::Failed, what)
        .before_start()
        .lasting()
        .with_remedy("install a terminfo database in the image (ncurses-base)")
}

fn broken(status: i32, said: &[u8]) -> Failure {
    match kubectl_error::last_words(said) {
        Some(_) if status == 1 => kubectl_error::classify(said, b""),
        Some(words) => Failure::new(Kind::Unreachable, format!("the connection ended: {words}")),
        None => Failure::new(Kind::Unreachable, format!("the connection ended (exit {status})")),
    }
}

/// Why there was nothing to attach to, or to come back to.
pub fn absent(session: &SessionName, absence: Absence) -> Failure {
    let name = neutralise::line(session.as_str());
    let reason = match absence {
        Absence::NoSession => format!("there is no session {name:?}"),
        Absence::NoServer => format!("there is no session {name:?}: no tmux server runs there"),
        Absence::Another => "it has ended, and another has its name".to_owned(),
    };
    Failure::new(Kind::NoSession, reason)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn ending(status: i32, said: &str) -> Ending {
        Ending::of(status, said.as_bytes(), &"qa".parse().unwrap())
    }

    #[rstest]
    #[case(84, Ending::Absent(Absence::NoSession))]
    #[case(85, Ending::Absent(Absence::NoServer))]
    #[case(89, Ending::Absent(Absence::Another))]
    #[case(95, Ending::Left)]
    #[case(96, Ending::Lost)]
    #[case(97, Ending::Gone(Absence::NoSession))]
    #[case(98, Ending::Another)]
    #[case(99, Ending::Gone(Absence::NoServer))]
    fn a_status_of_ours_is_an_answer(#[case] status: i32, #[case] expected: Ending) {
        assert_eq!(ending(status, ""), expected);
    }

    #[rstest]
    #[case(0, "", Kind::Unreachable, false)]
    #[case(1, "", Kind::Unreachable, false)]
    #[case(137, "command terminated with exit code 137\n", Kind::Unreachable, false)]
    #[case(1, "error: You must be logged in to the server (Unauthorized)\n", Kind::Unauthorized, true)]
    #[case(
        1,
        "Error from server (Forbidden): pods \"w\" is forbidden: User \"b\" cannot get resource \"pods\"\n",
        Kind::Forbidden,
        true
    )]
    #[case(1, "error: context \"x\" does not exist\n", Kind::Unreachable, true)]
    #[case(1, "Error from server (NotFound): pods \"w\" not found\n", Kind::Missing, false)]
    #[case(1, "error: container c is not valid for pod w\n", Kind::NoContainer, true)]
    #[case(86, "command terminated with exit code 86\n", Kind::NoTmux, true)]
    #[case(88, "", Kind::Failed, true)]
    #[case(90, "", Kind::Failed, true)]
    #[case(94, "", Kind::Incomplete, false)]
    fn anything_else_proves_nothing_about_the_session(
        #[case] status: i32,
        #[case] said: &str,
        #[case] kind: Kind,
        #[case] lasting: bool,
    ) {
        let Ending::Broken(failure) = ending(status, said) else { panic!("{status} {said}: {:?}", ending(status, said)) };
        assert_eq!((failure.kind, failure.lasting), (kind, lasting), "{failure:?}");
    }
}
