//! The kernel's counters of TCP connections: INET_DIAG over netlink (sock_diag(7), linux/inet_diag.h, linux/tcp.h).

#[cfg(target_os = "linux")]
pub use linux::{Connection, Diag};
#[cfg(not(target_os = "linux"))]
pub use nowhere::{Connection, Diag};

use std::time::Duration;

/// What is known of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// How long ago the last data came.
    pub silence: Duration,
    /// Bytes that the other side has confirmed.
    pub acked: u64,
    /// Bytes that came.
    pub received: u64,
    /// Bytes of those that nobody has read yet.
    pub unread: u64,
    /// Packets with data that came, and that went.
    pub came: u64,
    pub went: u64,
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::time::Duration;

    use nix::sys::socket::sockopt::ReceiveTimeout;
    use nix::sys::socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, setsockopt, socket,
    };
    use nix::sys::time::{TimeVal, TimeValLike};

    use super::Counters;

    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const NLMSG_ERROR: u16 = 2;
    const NLMSG_DONE: u16 = 3;
    const NLM_F_REQUEST: u16 = 1;
    const NLM_F_DUMP: u16 = 0x300;
    const INET_DIAG_INFO: u16 = 2;
    const IPPROTO_TCP: u8 = 6;
    const AF_INET: u8 = 2;
    const AF_INET6: u8 = 10;
    const ESTABLISHED: u32 = 1 << 1;
    /// `struct nlmsghdr`
    const HEADER: usize = 16;
    /// `struct inet_diag_sockid`
    const SOCKET_ID: usize = 48;
    /// `struct inet_diag_msg`
    const MESSAGE: usize = 72;
    /// `idiag_rqueue` in it.
    const RECEIVE_QUEUE: usize = 56;
    /// Offsets in `struct tcp_info`.
    const LAST_DATA_RECV: usize = 52;
    const BYTES_ACKED: usize = 120;
    const BYTES_RECEIVED: usize = 128;
    const DATA_SEGS_IN: usize = 152;
    const DATA_SEGS_OUT: usize = 156;

    /// An open connection, as the kernel names it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Connection {
        pub inode: u64,
        family: u8,
        id: [u8; SOCKET_ID],
    }

    /// A way to ask the kernel.
    #[derive(Debug)]
    pub struct Diag(OwnedFd);

    impl Diag {
        /// `None` when this kernel does not answer such questions.
        pub fn open() -> Option<Self> {
            let kind = (AddressFamily::Netlink, SockType::Datagram, SockFlag::SOCK_CLOEXEC);
            let netlink = socket(kind.0, kind.1, kind.2, SockProtocol::NetlinkSockDiag).ok()?;
            // The kernel answers at once or not at all.
            setsockopt(&netlink, ReceiveTimeout, &TimeVal::seconds(1)).ok()?;
            let diag = Self(netlink);
            diag.ask(AF_INET, None).then_some(())?;
            diag.answers();
            Some(diag)
        }

        /// Every established connection of this network namespace.
        pub fn all(&mut self) -> Vec<(Connection, Counters)> {
            let mut all = Vec::new();
            for family in [AF_INET, AF_INET6] {
                if self.ask(family, None) {
                    all.extend(self.answers());
                }
            }
            all
        }

        /// The counters of one connection; `None` when it is not there any more.
        pub fn counters(&mut self, connection: &Connection) -> Option<Counters> {
            self.ask(connection.family, Some(connection)).then_some(())?;
            let (found, counters) = self.answers().pop()?;
            (found.inode == connection.inode).then_some(counters)
        }

        fn ask(&self, family: u8, one: Option<&Connection>) -> bool {
            let flags = NLM_F_REQUEST | if one.is_some() { 0 } else { NLM_F_DUMP };
            // struct inet_diag_req_v2
            let mut request = vec![family, IPPROTO_TCP, 1 << (INET_DIAG_INFO - 1), 0];
            request.extend(ESTABLISHED.to_ne_bytes());
            request.extend(one.map_or([0; SOCKET_ID], |one| one.id));
            let mut message = Vec::with_capacity(HEADER + request.len());
            message.extend(((HEADER + request.len()) as u32).to_ne_bytes());
            message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
            message.extend(flags.to_ne_bytes());
            message.extend([0; 8]); // sequence number and port: nobody else talks here
            message.extend(request);
            let kernel = NetlinkAddr::new(0, 0);
            sendto(self.0.as_raw_fd(), &message, &kernel, MsgFlags::empty()).is_ok_and(|sent| sent == message.len())
        }

        /// Everything up to the end of the answer.
        fn answers(&self) -> Vec<(Connection, Counters)> {
            let mut found = Vec::new();
            let mut buffer = vec![0; 32 * 1024];
            loop {
                let Ok(count) = recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::empty()) else { return found };
                let (connections, more) = messages(&buffer[..count]);
                found.extend(connections);
                if !more || count == 0 {
                    return found;
                }
            }
        }
    }

    /// The connections in a packet from the kernel, and whether another packet follows.
    pub fn messages(mut packet: &[u8]) -> (Vec<(Connection, Counters)>, bool) {
        let mut found = Vec::new();
        while let (Some(length), Some(kind)) = (u32_at(packet, 0), u16_at(packet, 4)) {
            let multi = u16_at(packet, 6).is_some_and(|flags| flags & 2 != 0);
            let Some(body) = packet.get(HEADER..length as usize) else { break };
            match kind {
                SOCK_DIAG_BY_FAMILY => found.extend(connection(body)),
                NLMSG_DONE | NLMSG_ERROR => return (found, false),
                _ => {}
            }
            if !multi {
                return (found, false);
            }
            packet = packet.get((length as usize).next_multiple_of(4)..).unwrap_or_default();
        }
        (found, true)
    }

    fn connection(message: &[u8]) -> Option<(Connection, Counters)> {
        let id = message.get(4..4 + SOCKET_ID)?.try_into().ok()?;
        let inode = u32_at(message, MESSAGE - 4)?;
        let unread = u32_at(message, RECEIVE_QUEUE)?;
        let mut attributes = message.get(MESSAGE..)?;
        while let (Some(length), Some(kind)) = (u16_at(attributes, 0), u16_at(attributes, 2)) {
            let body = attributes.get(4..length as usize)?;
            if kind == INET_DIAG_INFO {
                let counters = Counters {
                    silence: Duration::from_millis(u32_at(body, LAST_DATA_RECV)?.into()),
                    acked: u64_at(body, BYTES_ACKED)?,
                    received: u64_at(body, BYTES_RECEIVED)?,
                    unread: unread.into(),
                    came: u32_at(body, DATA_SEGS_IN)?.into(),
                    went: u32_at(body, DATA_SEGS_OUT)?.into(),
                };
                return Some((Connection { inode: inode.into(), family: *message.first()?, id }, counters));
            }
            attributes = attributes.get((length as usize).next_multiple_of(4)..)?;
        }
        None
    }

    fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
        bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes)
    }

    fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
        bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
    }

    fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
        bytes.get(at..at + 8)?.try_into().ok().map(u64::from_ne_bytes)
    }

    #[cfg(test)]
    mod tests {
        use proptest::prelude::*;

        use super::*;

        proptest! {
            #[test]
            fn any_packet_is_taken_apart_or_refused(packet in prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(20), Just(80)], 0..300)) {
                let _ = messages(&packet);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use super::Counters;

    /// There is none.
    #[derive(Debug)]
    pub struct Connection {
        pub inode: u64,
    }

    /// No way to ask the kernel.
    #[derive(Debug)]
    pub struct Diag;

    impl Diag {
        pub fn open() -> Option<Self> {
            None
        }

        pub fn all(&mut self) -> Vec<(Connection, Counters)> {
            Vec::new()
        }

        pub fn counters(&mut self, _: &Connection) -> Option<Counters> {
            None
        }
    }
}
