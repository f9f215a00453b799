//! What kubectl's standard error means. The texts are those of kubectl 1.27 to 1.33, of the API server, the kubelet,
//! containerd and CRI-O; the table in the tests holds them as they were recorded.

mod reasons;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::reasons::{
    completed, forbidden, missing, no_container, no_context, no_kubeconfig, no_node, no_previous, not_running, refused, waiting,
};
use crate::failure::{Failure, Kind};
use crate::terminal::neutralise;

/// Longer reasons than this are cut: they have to fit a row.
const REASON: usize = 240;

/// How kubectl begins the message that it ends with. Whatever a command in the container wrote stands before it.
const BEGINNINGS: [&str; 6] = [
    "unexpected error when reading response body. ",
    "error: ",
    "Error from server",
    "Unable to connect to the server: ",
    "The connection to the server ",
    "Error in configuration: ",
];

/// What the words of a message mean. The first rule of which all words are in the message is the one.
struct Rule {
    words: &'static [&'static str],
    kind: Kind,
    /// kubectl says this only when the command did not start.
    before_start: bool,
    /// It is about this machine's kubeconfig, so that trying again changes nothing.
    lasting: bool,
    reason: Reason,
    /// Empty for the remedy of the kind.
    remedy: &'static str,
}

enum Reason {
    /// These words: kubectl's say no more.
    Just(&'static str),
    /// These words, and kubectl's behind them.
    Said(&'static str),
    /// Made from kubectl's message; its own words when that fails.
    Made(fn(&str) -> Option<String>),
}

use Reason::{Just, Made, Said};

const fn rule(words: &'static [&'static str], kind: Kind, before_start: bool, reason: Reason) -> Rule {
    Rule { words, kind, before_start, lasting: false, reason, remedy: "" }
}

const fn remedied(mut rule: Rule, remedy: &'static str) -> Rule {
    rule.remedy = remedy;
    rule
}

/// Of the kubeconfig.
const fn configured(rule: Rule, remedy: &'static str) -> Rule {
    let mut rule = remedied(rule, remedy);
    rule.lasting = true;
    rule
}

const KUBECONFIG: &str = "check kubeconfig: in workers.yaml and $KUBECONFIG; `kubectl config view` shows what kubectl reads";
const CONTEXTS: &str = "`kubectl config get-contexts` lists those there are; set context: in workers.yaml";
const PLUGIN: &str = "run `kubectl get pods` in a terminal: the login plugin may want to ask you something";
const ALWAYS: &str = "run it in a terminal; or set interactiveMode: IfAvailable in the kubeconfig, if the plugin can do without";
const RESOURCES: &str = "`kubectl api-resources` lists what the cluster knows; what defines it has to be installed there";
const BUSY: &str = "try again in a moment, with a lower --parallel when it is us who ask so much";
const READY: &str = "try again in a moment; `kubectl get --raw=/readyz` says whether the API server is well";
const AUTHORITY: &str = "compare certificate-authority and server in the kubeconfig with the cluster's; is a proxy between?";
const SERVER: &str = "compare server in the kubeconfig with the cluster's: its scheme and its port; is a proxy between?";
const EXPIRED: &str = "is this machine's clock right? If so, whoever runs the cluster has to renew it";
const NODES: &str = "`kubectl get nodes` says whether it is ready; whoever runs the cluster knows more";
const WAY: &str =
    "a proxy in front of the API server, or the pod's node, refuses it: `factory-worker doctor` says how kubectl asks";
const PROGRAM: &str = "install it in the image, or correct the command under commands: in workers.yaml";
/// Where kubectl's words are none that we know.
const UNKNOWN: &str = "does `kubectl get pods` answer? With -v you see what was run";
/// Only views have long request lines, and only on such a worker.
const UNPACK: &str = "install gzip and coreutils in its image (a view needs gunzip, base64 and tr there), or let whatever stands in front \
                      of the API server take request lines of 24 KiB (nginx: large_client_header_buffers)";
const TOO_LONG: Reason = Just("the way to the cluster takes no request that long (414)");

/// How the reason begins when the API server answers and the node of the pod does not.
pub const NO_NODE: &str = "the cluster cannot reach the pod's node";

/// In the order in which they are tried: the particular before the general.
const RULES: &[Rule] = &[
    // The command did not start in a container that is there.
    rule(&["unable to start container process"], Kind::Failed, true, Said("the container cannot run it")),
    rule(&["executable file not found in $PATH"], Kind::Failed, true, Said("the container cannot run it")),
    // The login.
    remedied(
        rule(
            &["getting credentials: ", "cannot support interactive mode"],
            Kind::Unauthorized,
            true,
            Just("its login plugin insists on a terminal (interactiveMode: Always), and there is none here"),
        ),
        ALWAYS,
    ),
    remedied(rule(&["getting credentials: "], Kind::Unauthorized, true, Said("the login plugin failed")), PLUGIN),
    rule(&["You must be logged in to the server"], Kind::Unauthorized, true, Just("not logged in to the cluster")),
    rule(&["asked for the client to provide credentials"], Kind::Unauthorized, true, Just("not logged in to the cluster")),
    rule(&["oauth2: "], Kind::Unauthorized, true, Said("the login has expired")),
    rule(&["(Forbidden)"], Kind::Forbidden, true, Made(forbidden)),
    rule(&["is forbidden: User "], Kind::Forbidden, true, Made(forbidden)),
    // The pod and its container.
    rule(&["cannot exec into a container in a completed pod"], Kind::Completed, true, Made(completed)),
    rule(&["cannot exec in a stopped state"], Kind::Crashing, true, Just("its container has stopped")),
    rule(&["CONTAINER_EXITED state"], Kind::Crashing, true, Just("its container has stopped")),
    remedied(
        rule(&["previous terminated container ", " not found"], Kind::Missing, true, Made(no_previous)),
        "leave --previous out: what it has said since it began is its whole log",
    ),
    rule(&["container ", " is terminated"], Kind::Crashing, true, Just("its container has stopped")),
    rule(&["container ", " is not valid for pod"], Kind::NoContainer, true, Made(no_container)),
    rule(&["container ", " not found in pod "], Kind::NoContainer, true, Made(no_container)),
    rule(&[" is waiting to start: ContainerCreating"], Kind::Starting, true, Made(waiting)),
    rule(&[" is waiting to start: PodInitializing"], Kind::Starting, true, Made(waiting)),
    rule(&["container ", " is waiting to start: "], Kind::Pending, true, Made(waiting)),
    rule(&["container not found ("], Kind::Starting, true, Made(not_running)),
    rule(&["pod does not exist"], Kind::Starting, true, Just("its node does not have the pod yet")),
    rule(&["does not have a host assigned"], Kind::Pending, true, Made(no_node)),
    remedied(
        rule(
            &["the server could not find the requested resource"],
            Kind::Unreachable,
            true,
            Just("there is no Kubernetes API at the server of the context"),
        ),
        "check the server of the context: `kubectl cluster-info`",
    ),
    rule(&["(NotFound)"], Kind::Missing, true, Made(missing)),
    remedied(rule(&["doesn't have a resource type"], Kind::Missing, true, Said("the cluster does not know that")), RESOURCES),
    remedied(rule(&["no matches for kind "], Kind::Missing, true, Said("the cluster does not know that")), RESOURCES),
    // The kubeconfig.
    configured(rule(&["context was not found for specified context"], Kind::Unreachable, true, Made(no_context)), CONTEXTS),
    configured(rule(&["cannot locate context "], Kind::Unreachable, true, Made(no_context)), CONTEXTS),
    configured(rule(&["context \"", "\" does not exist"], Kind::Unreachable, true, Made(no_context)), CONTEXTS),
    configured(rule(&["current-context "], Kind::Unreachable, true, Said("kubectl has no current context")), CONTEXTS),
    configured(rule(&["localhost:8080 was refused"], Kind::Unreachable, true, Made(no_kubeconfig)), KUBECONFIG),
    configured(rule(&["error loading config file"], Kind::Unreachable, true, Said("the kubeconfig cannot be read")), KUBECONFIG),
    configured(rule(&["invalid configuration: "], Kind::Unreachable, true, Said("the kubeconfig is wrong")), KUBECONFIG),
    configured(rule(&["error: stat ", "no such file"], Kind::Unreachable, true, Said("there is no such kubeconfig")), KUBECONFIG),
    // The API server and what is behind it.
    remedied(rule(&["error dialing backend"], Kind::Unreachable, true, Said(NO_NODE)), NODES),
    remedied(rule(&["(TooManyRequests)"], Kind::Unreachable, true, Just("the API server is too busy (429)")), BUSY),
    remedied(rule(&["(ServiceUnavailable)"], Kind::Unreachable, true, Just("the API server is not available (503)")), READY),
    remedied(rule(&["(InternalError)"], Kind::Unreachable, false, Said("the API server failed (500)")), READY),
    remedied(rule(&["(Timeout)"], Kind::Unreachable, false, Said("the API server took too long (504)")), READY),
    // In nginx's words, and in those of the standard.
    configured(rule(&["unable to upgrade connection", "414 Request-URI Too"], Kind::Unreachable, true, TOO_LONG), UNPACK),
    configured(rule(&["unable to upgrade connection", "URI Too Long"], Kind::Unreachable, true, TOO_LONG), UNPACK),
    remedied(
        rule(&["unable to upgrade connection"], Kind::Unreachable, false, Said("exec was refused on the way to the pod")),
        WAY,
    ),
    // The connection, while it lasted.
    rule(&["error reading from error stream"], Kind::Unreachable, false, Said("the connection was lost")),
    rule(&["websocket: close"], Kind::Unreachable, false, Said("the connection was lost")),
    rule(&["stream error"], Kind::Unreachable, false, Said("the connection was lost")),
    rule(&["lost connection to pod"], Kind::Unreachable, false, Said("the connection was lost")),
    // The connection, before there was one.
    remedied(
        rule(&["x509: certificate has expired"], Kind::Unreachable, true, Said("the API server's certificate is not trusted")),
        EXPIRED,
    ),
    remedied(rule(&["x509: "], Kind::Unreachable, true, Said("the API server's certificate is not trusted")), AUTHORITY),
    rule(&["TLS handshake timeout"], Kind::Unreachable, true, Said("the API server does not answer")),
    remedied(rule(&["tls: "], Kind::Unreachable, true, Said("no TLS with the API server")), SERVER),
    remedied(rule(&["HTTP response to HTTPS client"], Kind::Unreachable, true, Said("no TLS with the API server")), SERVER),
    rule(&["The connection to the server ", " was refused"], Kind::Unreachable, true, Made(refused)),
    rule(&["connect: connection refused"], Kind::Unreachable, true, Said("connection refused")),
    rule(&["no such host"], Kind::Unreachable, true, Said("the API server's name is not known")),
    rule(&["dial tcp: lookup "], Kind::Unreachable, true, Said("the API server's name cannot be looked up")),
    rule(&["dial tcp "], Kind::Unreachable, true, Said("the API server cannot be reached")),
    rule(&["i/o timeout"], Kind::Unreachable, false, Said("the API server does not answer")),
    rule(&["Client.Timeout exceeded"], Kind::Unreachable, false, Said("the API server does not answer")),
    rule(&["connection reset by peer"], Kind::Unreachable, false, Said("the connection was reset")),
    rule(&["EOF"], Kind::Unreachable, false, Said("the connection was cut")),
];

/// kubectl asks on standard output when the kubeconfig has no credentials, and goes on without when nobody answers.
fn asked_for_a_user(stdout: &[u8]) -> Option<Failure> {
    let asked = stdout.starts_with(b"Please enter Username");
    let reason = "the kubeconfig has no credentials: kubectl asked for a user name";
    asked.then(|| Failure::new(Kind::Unauthorized, reason).before_start())
}

/// The items of kubectl's list of `what`, from its JSON.
///
/// # Errors
/// It is none, only a part of one, or kubectl's question who the user is.
pub fn items<T: DeserializeOwned>(stdout: &[u8], what: &str) -> Result<Vec<T>, Failure> {
    let list: serde_json::Result<List<T>> = serde_json::from_slice(stdout);
    list.map(|list| list.items).map_err(|error| {
        let nonsense = || Failure::new(Kind::Incomplete, format!("kubectl's list of {what} makes no sense: {error}"));
        asked_for_a_user(stdout).unwrap_or_else(nonsense)
    })
}

/// `v1.List`, as kubectl prints it.
#[derive(Deserialize)]
struct List<T> {
    // Not the plain `default`, which asks for a default item too.
    #[serde(default = "Vec::new")]
    items: Vec<T>,
}

/// Why kubectl exited non-zero without the status of a command. `stdout` is what the command had said by then: when it
/// had said something it had started, whatever kubectl says.
pub fn classify(stderr: &[u8], stdout: &[u8]) -> Failure {
    if let Some(failure) = asked_for_a_user(stdout) {
        return failure;
    }
    let text = neutralise::plain(stderr);
    let Some(message) = message(&text) else {
        let said = last_words(stderr).map_or_else(|| " and said nothing".to_owned(), |last| format!(": {last}"));
        return Failure::new(Kind::Unreachable, format!("kubectl failed{said}")).with_remedy(UNKNOWN);
    };
    let unknown = || Failure::new(Kind::Unreachable, format!("kubectl failed: {}", stripped(&message))).with_remedy(UNKNOWN);
    let mut failure = explain(&message).unwrap_or_else(unknown);
    failure.before_start &= stdout.is_empty();
    failure.reason = cut(&failure.reason);
    if failure.kind == Kind::Unauthorized
        && let Some(said) = plugin_said(&text)
    {
        failure.reason = format!("{} ({said})", failure.reason);
    }
    failure
}

/// Whether it is about what the kubeconfig says, or lacks: only then is that what helps.
pub fn is_about_kubeconfig(failure: &Failure) -> bool {
    [KUBECONFIG, CONTEXTS].contains(&failure.remedy().as_str())
}

/// The failure that a message of a container runtime means; `None` when it is none that we know, and the program ran.
pub fn not_started(text: &str) -> Option<Failure> {
    let known = ["unable to start container process", "executable file not found in $PATH"];
    let line = text.lines().rfind(|line| known.iter().any(|words| line.contains(words)))?;
    // CRI-O passes on a log line of the runtime, in which quotes are escaped.
    let line = line.replace("\\\"", "\"");
    Some(program_missing(&line).unwrap_or_else(|| Failure::new(Kind::Failed, cut(&line))))
}

fn explain(message: &str) -> Option<Failure> {
    if let Some(failure) = program_missing(message) {
        return Some(failure.before_start());
    }
    let rule = RULES.iter().find(|rule| rule.words.iter().all(|words| message.contains(words)))?;
    let reason = match rule.reason {
        Just(words) => words.to_owned(),
        Said(words) => format!("{words}: {}", stripped(message)),
        Made(make) => make(message).unwrap_or_else(|| stripped(message).to_owned()),
    };
    let mut failure = Failure::new(rule.kind, reason);
    failure.before_start = rule.before_start;
    failure.lasting |= rule.lasting;
    let remedy = match rule.kind {
        Kind::Forbidden => reasons::right(message).or_else(|| reasons::rule(message)),
        Kind::Missing if rule.remedy.is_empty() => reasons::which_there_are(message),
        _ => (!rule.remedy.is_empty()).then(|| rule.remedy.to_owned()),
    };
    Some(match remedy {
        Some(remedy) => failure.with_remedy(remedy),
        None => failure,
    })
}

/// `exec: "tmux": executable file not found in $PATH`, also `stat /bin/sh: no such file or directory`.
fn program_missing(message: &str) -> Option<Failure> {
    let (_, rest) = message.split_once("exec: \"")?;
    let (program, why) = rest.split_once('"')?;
    if !why.contains("executable file not found") && !why.contains("no such file or directory") {
        return None;
    }
    let kind = match program.rsplit('/').next() {
        Some("sh") => Kind::NoShell,
        Some("tmux") => Kind::NoTmux,
        _ => Kind::Failed,
    };
    let failure = Failure::new(kind, format!("there is no {program} in the container"));
    Some(if kind == Kind::Failed { failure.with_remedy(PROGRAM) } else { failure })
}

/// kubectl's final message, on one line.
fn message(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().rposition(|line| is_verdict(line))?;
    // An empty line ends it: a hint of several paragraphs follows there.
    let words = lines[start..].iter().map(|line| line.trim()).take_while(|line| !line.is_empty());
    Some(words.collect::<Vec<_>>().join(" "))
}

/// The last thing kubectl said, when it was given no time to come to a conclusion: the error of its last log line.
pub fn last_words(stderr: &[u8]) -> Option<String> {
    let text = neutralise::plain(stderr);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    let said = line.split_once(" err=\"").map_or(line, |(_, error)| error.trim_end_matches('"'));
    let said = said.rsplit_once("error from a previous attempt: ").map_or(said, |(_, first)| first);
    Some(cut(said))
}

/// Whether a line is what kubectl itself says of a failure, and not a login plugin.
pub fn is_kubectls(line: &str) -> bool {
    is_verdict(line) || is_logged(line)
}

fn is_verdict(line: &str) -> bool {
    BEGINNINGS.iter().any(|beginning| line.starts_with(beginning))
}

fn is_logged(line: &str) -> bool {
    line.contains("memcache.go:") || line.contains("couldn't get current server API group list")
}

/// What a login plugin wrote before kubectl reported it: its last line that is no log line.
fn plugin_said(text: &str) -> Option<String> {
    let end = text.lines().position(is_verdict)?;
    let mut lines: Vec<&str> = text.lines().take(end).map(str::trim).filter(|line| !line.is_empty()).collect();
    // klog writes an error of several lines as a block that ends in " >".
    if lines.iter().any(|line| line.ends_with("err=<")) {
        return None;
    }
    lines.retain(|line| !is_logged(line));
    lines.last().map(|line| cut(line))
}

/// The message without the parts that say nothing to a person: beginnings, and the URL, which holds the whole command.
fn stripped(message: &str) -> &str {
    let mut rest = message;
    for beginning in ["error: ", "Unable to connect to the server: ", "Error in configuration: ", "Error from server: "] {
        rest = rest.strip_prefix(beginning).unwrap_or(rest);
    }
    // `kubectl logs` says it in lower case, behind an `error: `.
    if ["Error from server (", "error from server ("].iter().any(|beginning| rest.starts_with(beginning))
        && let Some((_, said)) = rest.split_once("): ")
    {
        rest = said;
    }
    if let Some((_, said)) = rest.strip_prefix("error when creating \"").and_then(|said| said.split_once("\": ")) {
        rest = said;
    }
    for beginning in ["Internal error occurred: ", "error reading from error stream: ", "next reader: "] {
        rest = rest.strip_prefix(beginning).unwrap_or(rest);
    }
    for method in ["Get \"http", "Post \"http"] {
        if let Some((_, behind)) = rest.split_once(method)
            && let Some((_, said)) = behind.split_once("\": ")
        {
            rest = said;
        }
    }
    rest
}

/// A text that is no longer than fits a row.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(REASON) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
