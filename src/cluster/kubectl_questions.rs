//! What kubectl itself asks, where nothing says who its user is: on standard output, before its answer.

/// What kubectl asks, in this order (client-go, tools/clientcmd: `PromptingAuthLoader`).
const QUESTIONS: [&[u8]; 2] = [b"Please enter Username: ", b"Please enter Password: "];

/// How far kubectl has come with its questions who its user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Questions {
    /// So many bytes at the beginning of standard output are no answer.
    pub bytes: usize,
    /// There comes no other.
    pub all: bool,
}

/// What kubectl has asked on standard output.
pub fn questions(stdout: &[u8]) -> Questions {
    let mut bytes = 0;
    for question in QUESTIONS {
        if !stdout[bytes..].starts_with(question) {
            return Questions { bytes, all: false };
        }
        bytes += question.len();
    }
    // Some end the line of the password, which does not show.
    Questions { bytes: bytes + usize::from(stdout.get(bytes) == Some(&b'\n')), all: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubectl_asks_is_told_from_what_it_answers() {
        for (stdout, asked) in [
            (&b""[..], 0),
            (b"Please enter User", 0),
            (b"Please enter Username: ", 23),
            (b"Please enter Username: Please enter Pass", 23),
            (b"Please enter Username: Please enter Password: ", 46),
            (b"Please enter Username: Please enter Password: \n{}", 47),
            (b"Please enter Username: Please enter Password: {}", 46),
            (b"Please enter Username: \n", 23),
            (b"{}\nPlease enter Username: ", 0),
        ] {
            assert_eq!(questions(stdout), Questions { bytes: asked, all: asked > 23 }, "{}", String::from_utf8_lossy(stdout));
        }
    }
}
