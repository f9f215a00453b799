//! Looks out for API servers that could not be reached, with one TCP connection a second for all workers of each: when one is there
//! again its workers are asked at once, and not when their pauses are over. Nothing is sent, and no kubectl runs for that.

use std::collections::{HashMap, HashSet};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::fleet::Links;
use super::link::Link;
use crate::cluster::{Cluster, login};

const EVERY: Duration = Duration::from_secs(1);

/// Look out for as long as somebody has these.
pub fn start(links: Weak<Links>) {
    thread::spawn(move || {
        let mut away = HashSet::new();
        while let Some(links) = links.upgrade() {
            let lost = links.all().into_iter().filter(|link| link.is_cut_off());
            let mut waiting: HashMap<Cluster, Vec<Arc<Link>>> = HashMap::new();
            for link in lost {
                if let Some(cluster) = Cluster::of_worker(&link.worker) {
                    waiting.entry(cluster).or_default().push(link);
                }
            }
            drop(links);
            away.retain(|cluster| waiting.contains_key(cluster));
            for (cluster, waiting) in waiting {
                if !is_there(&cluster) {
                    away.insert(cluster);
                } else if away.remove(&cluster) {
                    waiting.iter().for_each(|link| link.may_be_there());
                }
            }
            thread::sleep(EVERY);
        }
    });
}

/// Whether somebody takes a connection there; also where nobody knows where that would be: then pauses have to do.
fn is_there(cluster: &Cluster) -> bool {
    let Some(place) = login::endpoint(cluster) else { return true };
    let mut addresses = place.to_socket_addrs().into_iter().flatten();
    addresses.any(|address| TcpStream::connect_timeout(&address, EVERY).is_ok())
}
