use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Child, Command};

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::sockopt::Linger;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, connect, setsockopt, socket};
use nix::unistd::Pid;

use super::*;

const OURS: Tty = Tty { taken: false, full: false };
const KUBECTLS: Tty = Tty { taken: true, full: false };

/// A child that has two connections, with a large request on one and a small one on the other, and a third socket.
struct Kubectl {
    child: Child,
    large: TcpStream,
    server: TcpStream,
    third: OwnedFd,
    input: TcpListener,
    _small: [TcpStream; 2],
}

impl Kubectl {
    fn start() -> Self {
        let input = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = input.local_addr().unwrap();
        let mut small = TcpStream::connect(address).unwrap();
        small.write_all(b"small").unwrap();
        let other = input.accept().unwrap().0;
        let large = TcpStream::connect(address).unwrap();
        let server = input.accept().unwrap().0;
        let third = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
        let fd = |socket: &TcpStream| OwnedFd::from(socket.try_clone().unwrap());
        let mut command = Command::new("sleep");
        command.arg("600").stdin(fd(&large)).stdout(fd(&small)).stderr(third.try_clone().unwrap());
        let child = command.spawn().unwrap();
        let mut kubectl = Self { child, large, server, third, input, _small: [small, other] };
        kubectl.sends(50_000);
        kubectl
    }

    /// Looks at the connection of a kubectl whose request has so many bytes.
    fn socket(&self, request: usize) -> SocketAge {
        SocketAge::of(self.child.id() as i32, &["x".repeat(request)])
    }

    fn sends(&mut self, bytes: usize) {
        self.large.write_all(&vec![b'x'; bytes]).unwrap();
        self.server.read_exact(&mut vec![0; bytes]).unwrap();
    }

    /// So much comes, and is read.
    fn hears(&mut self, bytes: u64) {
        self.server.write_all(&vec![0; bytes as usize]).unwrap();
        self.large.read_exact(&mut vec![0; bytes as usize]).unwrap();
    }
}

impl Drop for Kubectl {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[track_caller]
fn eventually(mut good: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !good() {
        assert!(Instant::now() < end);
        std::thread::yield_now();
    }
}

const A_WHILE: Duration = Duration::from_millis(300);

#[test]
fn the_connection_of_the_large_request_is_watched() {
    let mut kubectl = Kubectl::start();
    let mut socket = kubectl.socket(50_000);
    eventually(|| socket.look(KUBECTLS).asked);
    assert!(socket.look(KUBECTLS).dialled && !socket.look(KUBECTLS).arrived);
    kubectl.hears(ARRIVAL);
    eventually(|| socket.look(KUBECTLS).arrived);
    assert!(!socket.look(KUBECTLS).entered);
    kubectl.hears(ARRIVAL);
    eventually(|| socket.look(KUBECTLS).entered);
    // It grows while nothing comes, and begins anew with a byte.
    eventually(|| socket.look(KUBECTLS).silence.unwrap() >= A_WHILE);
    kubectl.hears(1);
    eventually(|| socket.look(KUBECTLS).silence.unwrap() < A_WHILE);
}

#[test]
fn bytes_that_nobody_reads_are_no_sign_of_life() {
    let mut kubectl = Kubectl::start();
    let mut socket = kubectl.socket(50_000);
    kubectl.hears(ARRIVAL);
    eventually(|| socket.look(KUBECTLS).arrived);
    let falls_silent = |kubectl: &mut Kubectl, socket: &mut SocketAge| {
        eventually(|| {
            kubectl.server.write_all(b"x").unwrap();
            socket.look(KUBECTLS).silence.unwrap() >= A_WHILE
        });
    };
    falls_silent(&mut kubectl, &mut socket);
    // A terminal that takes nothing is not kubectl's fault.
    kubectl.server.write_all(b"x").unwrap();
    eventually(|| socket.look(Tty { full: true, ..KUBECTLS }).silence.unwrap() < A_WHILE);
    falls_silent(&mut kubectl, &mut socket);
    // Whoever reads a little of it is at work.
    kubectl.large.read_exact(&mut [0]).unwrap();
    kubectl.server.write_all(b"x").unwrap();
    eventually(|| socket.look(KUBECTLS).silence.unwrap() < A_WHILE);
}

#[test]
fn a_kubectl_that_is_stopped_gives_no_sign_of_life_whatever_comes() {
    let mut kubectl = Kubectl::start();
    let mut socket = kubectl.socket(50_000);
    kubectl.hears(ARRIVAL);
    eventually(|| socket.look(KUBECTLS).arrived);
    kill(Pid::from_raw(kubectl.child.id() as i32), Signal::SIGSTOP).unwrap();
    eventually(|| {
        kubectl.hears(1);
        socket.look(KUBECTLS).silence.unwrap() >= A_WHILE
    });
    kill(Pid::from_raw(kubectl.child.id() as i32), Signal::SIGCONT).unwrap();
    kubectl.hears(1);
    eventually(|| socket.look(KUBECTLS).silence.unwrap() < A_WHILE);
}

#[test]
fn a_connection_that_is_gone_while_kubectl_stays_is_silent() {
    let mut kubectl = Kubectl::start();
    let mut socket = kubectl.socket(50_000);
    kubectl.hears(ARRIVAL);
    eventually(|| socket.look(KUBECTLS).arrived);
    // As the other side resets one: it forgets, and so does this kernel.
    setsockopt(&kubectl.server, Linger, &libc::linger { l_onoff: 1, l_linger: 0 }).unwrap();
    kubectl.server = TcpStream::connect(kubectl.input.local_addr().unwrap()).unwrap();
    eventually(|| socket.look(KUBECTLS).silence.unwrap() >= A_WHILE);
    assert_eq!(socket.look(KUBECTLS).traffic, None, "nothing is said of another one");
}

#[test]
fn of_two_that_have_sent_so_much_the_younger_is_the_exec_s() {
    let mut kubectl = Kubectl::start();
    let mut socket = kubectl.socket(50_000);
    eventually(|| socket.look(OURS).asked);
    let SocketAddr::V4(address) = kubectl.input.local_addr().unwrap() else { panic!("it is of the other kind") };
    connect(kubectl.third.as_raw_fd(), &SockaddrIn::from(address)).unwrap();
    let mut younger = TcpStream::from(kubectl.third.try_clone().unwrap());
    let mut server = kubectl.input.accept().unwrap().0;
    younger.write_all(&[b'x'; 50_000]).unwrap();
    server.read_exact(&mut [0; 50_000]).unwrap();
    eventually(|| socket.look(OURS).traffic.is_some_and(|traffic| traffic.bytes == 0));
    // Much is said in answer to other requests, too.
    kubectl.hears(ARRIVAL);
    assert!(!socket.look(OURS).arrived);
    server.write_all(&[0; ARRIVAL as usize]).unwrap();
    eventually(|| socket.look(OURS).arrived);
}

#[test]
fn before_the_request_is_out_nothing_is_claimed() {
    let mut kubectl = Kubectl::start();
    kubectl.hears(3 * ARRIVAL);
    let mut socket = kubectl.socket(60_000);
    let reading = socket.look(KUBECTLS);
    assert!(reading.dialled && !reading.asked && !reading.arrived);
    // Nor is that an answer which came before.
    kubectl.sends(20_000);
    eventually(|| socket.look(KUBECTLS).asked);
    assert!(!socket.look(KUBECTLS).arrived);
    kubectl.hears(ARRIVAL);
    eventually(|| socket.look(KUBECTLS).arrived);
}

#[test]
fn of_a_child_without_connections_nothing_is_known_but_that_it_has_taken_the_terminal() {
    let mut child = Command::new("sleep").arg("600").spawn().unwrap();
    let mut socket = SocketAge::of(child.id() as i32, &[]);
    assert_eq!(socket.look(OURS), Reading::default(), "a login plugin may be at work");
    assert_eq!(socket.look(KUBECTLS), Reading { asked: true, ..Reading::default() });
    assert!(socket.is_blind());
    child.kill().unwrap();
    child.wait().unwrap();
}
