//! What a container image is here: which sessions start, which programs are there or missing.

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
}

impl Oddity {
    /// The word for it in `surroundings.sh`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::VolumeReadOnly => "volume-read-only",
            Self::VolumeFull => "volume-full",
            Self::ReadOnly => "read-only",
            Self::NoTerminfo => "no-terminfo",
            Self::OtherUser => "other-user",
            Self::OwnRoot => "own-root",
        }
    }
}
