//! How a script travels without a terminal: on standard input, its words behind it, and then what it reads itself.

use super::stripped;

const LOAD: &str = include_str!("load.sh");

/// What starts the script: the same for all but its last word, which is the nonce.
pub fn argv(nonce: &str) -> Vec<String> {
    ["sh", "-c", &stripped(LOAD), "factory-worker", nonce].map(str::to_owned).into()
}

/// The script and its words as `load.sh` reads them. Nobody may have written the nonce.
pub fn framed<'a>(script: &'a str, words: impl IntoIterator<Item = &'a str>, nonce: &str) -> Vec<u8> {
    let texts = [script].into_iter().chain(words);
    let framed: String = texts.map(|text| format!("{}\n{text}\n", text.matches('\n').count())).collect();
    format!("{framed}{nonce}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Output, Stdio};

    use rstest::rstest;

    use super::*;

    const NONCE: &str = "0123456789abcdef";
    /// Says its words and what it reads, each with something behind it that keeps line ends.
    const SCRIPT: &str = "for word; do\nprintf '%s\\0' \"$word\"\ndone\ncat\n";

    fn run(sh: &str, input: &[u8]) -> Output {
        let (program, argv) = (sh.split(' ').next().unwrap(), argv(NONCE));
        let mut child = Command::new(program)
            .args(sh.split(' ').skip(1))
            .args(&argv[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; make/need.sh test installs it"));
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // A script that does not read ends before all is written.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    }

    #[rstest]
    fn words_and_input_arrive_byte_for_byte(#[values("dash", "busybox sh", "bash", "zsh")] sh: &str) {
        let words = [
            "",
            " a  b ",
            "it's",
            "\"q\" \\ \\n `id` $(id) $HOME",
            "two\nlines\n",
            "\n\n",
            "ü日本🚀",
            "-n",
            ";",
            "end\n0\n",
            "\t",
        ];
        let mut input = framed(SCRIPT, words, NONCE);
        let own: Vec<u8> = (0..=255).chain(*b"\n\nno line end").cycle().take(200_000).collect();
        input.extend_from_slice(&own);
        let output = run(sh, &input);
        let said = [NONCE].into_iter().chain(words).map(|word| format!("{word}\0")).collect::<String>();
        let (head, tail) = output.stdout.split_at(said.len().min(output.stdout.len()));
        assert_eq!(String::from_utf8_lossy(head), said, "{}", String::from_utf8_lossy(&output.stderr));
        assert!(tail == own, "{} bytes of {}", tail.len(), own.len());
    }

    #[rstest]
    fn a_script_that_was_cut_anywhere_does_nothing(#[values("dash", "busybox sh", "bash")] sh: &str) {
        let whole = framed("echo ran\necho words: $#\n", ["a\nb", "c"], NONCE);
        for length in 0..whole.len() - 1 {
            let output = run(sh, &whole[..length]);
            assert!(output.stdout.is_empty() && !output.status.success(), "{length}: {output:?}");
        }
        let output = run(sh, &whole);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "ran\nwords: 3\n");
    }

    #[test]
    fn what_starts_it_fits_into_any_request() {
        let encoded: usize = argv(NONCE).iter().flat_map(|word| word.bytes()).map(encoded_length).sum();
        assert!(encoded < 600, "{encoded}");
    }

    /// Of a byte in a URL's query, as Go writes it.
    fn encoded_length(byte: u8) -> usize {
        if byte.is_ascii_alphanumeric() || b"-_.~ ".contains(&byte) { 1 } else { 3 }
    }
}
