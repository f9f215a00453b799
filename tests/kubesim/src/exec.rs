//! `pods/exec`: a command in a container, its streams over a websocket, its exit status at the end.

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::container::Container;
use crate::faults::{Fault, Latency};
use crate::http::{Request, head};
use crate::outgoing::{CLOSE, ERROR, Outgoing, RESIZE, STDERR, STDIN, STDOUT};
use crate::process::{Process, Resizer, feed, pump};
use crate::record;
use crate::status::Status;
use crate::websocket::{Messages, Opcode, accept_key};
use crate::wire::Wire;

/// The protocols spoken here, the best first. Both use the same frames; only v5 can say that standard input has ended.
const PROTOCOLS: &[&str] = &["v5.channel.k8s.io", "v4.channel.k8s.io"];

/// How long an API server is on its way to a node that refuses. Without it kubectl may see the end of the connection before
/// it has made its streams, and says no more than "closed all streams".
const ASKING_THE_NODE: Duration = Duration::from_millis(30);

/// A command that a client wants to run.
#[derive(Debug)]
pub struct Exec {
    argv: Vec<String>,
    stdin: bool,
    stdout: bool,
    stderr: bool,
    tty: bool,
    pub protocol: &'static str,
    key: String,
    input: record::Input,
}

impl Exec {
    /// # Errors
    /// What the API server says to a request that it cannot upgrade.
    pub fn of(request: &Request, only_v4: bool) -> Result<Self, Status> {
        if request.upgrades_to("SPDY/3.1") {
            return Err(Status::bad_request("SPDY/3.1 is not served here: pods/exec speaks websocket"));
        }
        let (Some(key), true) = (request.header("sec-websocket-key"), request.upgrades_to("websocket")) else {
            return Err(Status::bad_request("Upgrade request required"));
        };
        let offered: Vec<&str> = request.header_words("sec-websocket-protocol").collect();
        let served = if only_v4 { &PROTOCOLS[1..] } else { PROTOCOLS };
        let none_in_common = || {
            let (offered, served) = (offered.join(", "), served.join(", "));
            Status::bad_request(format!("none of the offered protocols ({offered}) is one of those served ({served})"))
        };
        let protocol = served.iter().find(|protocol| offered.contains(protocol)).ok_or_else(none_in_common)?;
        let argv = request.query.iter().filter(|(name, _)| name == "command").map(|(_, word)| word.clone()).collect();
        let (stdin, stdout, stderr) = (request.flag("stdin"), request.flag("stdout"), request.flag("stderr"));
        if !(stdin || stdout || stderr) {
            return Err(Status::bad_request("you must specify at least 1 of stdin, stdout, stderr"));
        }
        Ok(Self {
            argv,
            stdin,
            stdout,
            stderr,
            tty: request.flag("tty"),
            protocol,
            key: key.to_owned(),
            input: request.input.clone(),
        })
    }

    /// What is answered before the first frame.
    pub fn handshake(&self) -> Vec<u8> {
        let headers = [
            ("Upgrade", "websocket".to_owned()),
            ("Connection", "Upgrade".to_owned()),
            ("Sec-WebSocket-Accept", accept_key(&self.key)),
        ];
        head(101, &headers, &format!("Sec-WebSocket-Protocol: {}", self.protocol))
    }

    /// Run it to its end, or until the client is gone. The process itself then stays, as on a real node.
    ///
    /// `container` is `None` when the node has none of that name.
    pub fn serve(
        self,
        container: Option<Arc<Container>>,
        name: &str,
        faults: &[Fault],
        reader: BufReader<Wire>,
        outgoing: Outgoing,
    ) {
        let noted = self.input.clone();
        let lost = faults.contains(&Fault::ContainerNotFound);
        let started = match container.filter(|container| !lost && !container.is_stopped()) {
            Some(container) => self.start(&container),
            None => Err(format!("unable to upgrade connection: container not found (\"{name}\")")),
        };
        let input = match started {
            Ok(process) => self.supervise(process, outgoing.clone()),
            Err(why) => {
                thread::sleep(ASKING_THE_NODE);
                finish(&outgoing, &Status::internal(&why).to_json());
                channel().0
            }
        };
        read(reader, &outgoing, &input, &noted, Latency::of(faults).one_way());
    }

    fn start(&self, container: &Container) -> Result<Process, String> {
        // Once from the node's stream server, once from the API server that translates it.
        let refused = |why: String| {
            format!(
                "Internal error occurred: error executing command in container: failed to exec in container: failed to start \
                 exec \"{:064x}\": OCI runtime exec failed: exec failed: unable to start container process: {why}: unknown",
                0x7ac5
            )
        };
        let command = container.command(&self.argv).map_err(refused)?;
        let started = if self.tty { Process::on_terminal(command, None) } else { Process::with_pipes(command, self.stdin) };
        let process = started.map_err(|error| refused(format!("exec: \"{}\": {error}", self.argv[0])))?;
        if container.is_stopped() {
            container.stop(); // it was stopped while this was started
        }
        Ok(process)
    }

    /// Carry the streams of a process; gives where the client's input goes.
    fn supervise(&self, mut process: Process, outgoing: Outgoing) -> Sender<Arrival> {
        let (input, arrivals) = channel();
        let (stdin, resizer) = (process.stdin.take(), process.resizer());
        let (ends_with_the_connection, frozen) = (!self.tty, outgoing.clone());
        thread::spawn(move || take_in(&arrivals, stdin, resizer, ends_with_the_connection, &frozen));
        let pumps = [(STDOUT, process.stdout.take(), self.stdout), (STDERR, process.stderr.take(), self.stderr)];
        let pumps: Vec<_> = pumps
            .into_iter()
            .filter_map(|(channel, stream, wanted)| {
                let (stream, outgoing) = (stream?, outgoing.clone());
                Some(thread::spawn(move || pump(stream, |bytes| wanted && outgoing.data(channel, bytes))))
            })
            .collect();
        thread::spawn(move || {
            let status = process.wait();
            // The terminal's master stays open in the threads until here, so its last words are read first.
            for pump in pumps {
                let _ = pump.join();
            }
            let last =
                if status == 0 { json!({ "metadata": {}, "status": "Success" }) } else { Status::exit_code(status).to_json() };
            finish(&outgoing, &last);
        });
        input
    }
}

/// The command's status, and the end of the connection.
fn finish(outgoing: &Outgoing, status: &Value) {
    if outgoing.data(ERROR, status.to_string().into_bytes()) {
        outgoing.close(1000);
    }
}

/// Something from the client, and when it may be looked at.
#[derive(Debug)]
struct Arrival {
    due: Instant,
    input: Input,
}

#[derive(Debug)]
enum Input {
    Bytes(Vec<u8>),
    End,
    Size { columns: u16, rows: u16 },
}

/// Read the client's messages until it is gone.
fn read(reader: BufReader<Wire>, outgoing: &Outgoing, input: &Sender<Arrival>, noted: &record::Input, delay: Duration) {
    let mut messages = Messages::new(reader);
    while let Ok((opcode, payload)) = messages.next() {
        let due = Instant::now() + delay;
        match opcode {
            Opcode::Ping => {
                outgoing.pong(payload);
            }
            Opcode::Close => {
                outgoing.close(1000);
            }
            Opcode::Binary | Opcode::Text => {
                if let Some(found) = understand(&payload) {
                    if let Input::Bytes(bytes) = &found {
                        noted.note(bytes);
                    }
                    let _ = input.send(Arrival { due, input: found });
                }
            }
            Opcode::Pong => {}
        }
    }
    outgoing.end();
}

fn understand(message: &[u8]) -> Option<Input> {
    match message {
        [STDIN, bytes @ ..] => Some(Input::Bytes(bytes.to_vec())),
        [CLOSE, STDIN] => Some(Input::End),
        [RESIZE, text @ ..] => {
            let size: Value = serde_json::from_slice(text).ok()?;
            let side = |name: &str| size[name].as_u64().and_then(|side| u16::try_from(side).ok());
            Some(Input::Size { columns: side("Width")?, rows: side("Height")? })
        }
        _ => None,
    }
}

/// Give the client's input to the process.
fn take_in(
    arrivals: &Receiver<Arrival>,
    mut stdin: Option<File>,
    resizer: Option<Resizer>,
    ends_with_the_connection: bool,
    outgoing: &Outgoing,
) {
    while let Ok(Arrival { due, input }) = arrivals.recv() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if outgoing.is_frozen() {
            continue;
        }
        match input {
            Input::Bytes(bytes) => feed(&mut stdin, &bytes),
            Input::End if ends_with_the_connection => stdin = None,
            Input::End => {}
            Input::Size { columns, rows } => {
                if let Some(resizer) = &resizer {
                    resizer.resize(columns, rows);
                }
            }
        }
    }
}
