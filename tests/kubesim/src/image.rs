//! What a container image is here: which sessions start, which programs are there or missing.

use std::env;
use std::time::Duration;

use crate::stage::Stage;

/// What runs in a container, and in what surroundings.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// Sessions of its tmux server that are there from the start: name and command (sh).
    pub sessions: Vec<(String, String)>,
    /// Executables that come first on its `PATH`: name and text.
    pub scripts: Vec<(String, String)>,
    /// Programs of this machine that it does not have.
    pub missing: Vec<String>,
    pub env: Vec<(String, String)>,
    /// What it runs when the pod's spec says no command; nothing but waiting when this is empty.
    pub entrypoint: Vec<String>,
    /// The stage to which its pods come by themselves.
    pub stage: Stage,
    /// How long a pod of it stays in `ContainerCreating`.
    pub starts_in: Duration,
    /// What is different about its surroundings.
    pub oddities: Vec<Oddity>,
}

impl Image {
    /// The same, with what all containers have that are not told what to run.
    pub(crate) fn with_oddities_of_all(mut self) -> Self {
        if self.entrypoint.is_empty() {
            self.oddities.extend(Oddity::of_all());
        }
        self
    }
}

/// The environment variable with words of [`Oddity::of_all`], separated by commas.
const OF_ALL: &str = "TEST_WORKERS";

/// A way in which a container's surroundings differ from those of this machine. Needs root or user namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// Nothing can be written on the volume at `.factory` in its HOME.
    VolumeReadOnly,
    /// Nothing more can be written there.
    VolumeFull,
    /// Nothing can be written, but in the directory of tmux's socket.
    ReadOnly,
    /// No description of any terminal.
    NoTerminfo,
    /// Everything runs as a user that is not root and has no entry in the password file.
    OtherUser,
    /// A root directory of its own: `/tmp` is its own, what its pod mounts as scratch space is where the pod says, and
    /// commands begin in the directory that the pod says.
    OwnRoot,
    /// Its programs, and `/bin/sh`, are what busybox is, as in Alpine's images; beside that there is tmux.
    Busybox,
    /// Its first process is `sleep infinity`, which waits for none of those that become its children. For containers that are
    /// not told what to run.
    ReapsNothing,
}

impl Oddity {
    const ALL: [Self; 8] = [
        Self::VolumeReadOnly,
        Self::VolumeFull,
        Self::ReadOnly,
        Self::NoTerminfo,
        Self::OtherUser,
        Self::OwnRoot,
        Self::Busybox,
        Self::ReapsNothing,
    ];

    /// Those that every workload has: `TEST_WORKERS=busybox` runs whatever tests there are against other containers.
    ///
    /// # Panics
    /// The variable has a word that is none of them.
    pub fn of_all() -> Vec<Self> {
        let words = env::var(OF_ALL).unwrap_or_default();
        let named = |word: &str| Self::ALL.into_iter().find(|oddity| oddity.word() == word);
        let words = words.split(',').filter(|word| !word.is_empty());
        words.map(|word| named(word).unwrap_or_else(|| panic!("{OF_ALL}: {word:?} is none of {:?}", Self::ALL))).collect()
    }

    /// The word for it in `surroundings.sh`, and in the environment.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::VolumeReadOnly => "volume-read-only",
            Self::VolumeFull => "volume-full",
            Self::ReadOnly => "read-only",
            Self::NoTerminfo => "no-terminfo",
            Self::OtherUser => "other-user",
            Self::OwnRoot => "own-root",
            Self::Busybox => "busybox",
            Self::ReapsNothing => "reaps-nothing",
        }
    }

    /// Whether it is made once for a container, and not by `surroundings.sh` for each command.
    pub(crate) fn is_kept(self) -> bool {
        matches!(self, Self::Busybox | Self::ReapsNothing)
    }
}
