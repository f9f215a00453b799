//! Whether several workers of a cluster can be asked through one kubectl, by starting it and running as good as nothing in one of them.

use std::time::{Duration, Instant};

use super::Check;
use crate::cluster::gateway::{Access, Gateway, NoAnswer, Openings, Target, unfit};
use crate::cluster::pod::Resolver;
use crate::cluster::{Cluster, login};
use crate::failure::{Failure, Kind};
use crate::local::version::Version;
use crate::process::Request;
use crate::registry::names::ObjectName;
use crate::registry::worker::PodPlace;
use crate::remote::script::{self, Script};

const NAME: &str = "gateway";
/// What follows when there is none.
const OTHERWISE: &str = "each question is a kubectl of its own";
/// Says that it has come to its end, and nothing else.
const NOTHING: &str = "finish\n";

/// The gateway to a cluster in which workers are at `places`.
pub fn check(cluster: &Cluster, places: &[PodPlace], timeout: Duration) -> Check {
    if let Some(unfit) = unfit::by_kubeconfig(cluster) {
        return Check::warn(NAME, format!("none: {}; {OTHERWISE}", unfit.why), unfit.remedy);
    }
    // Its kubectl runs the login plugin without anybody looking.
    if !login::is_free(cluster) {
        return Check::skip(NAME, "not tried: that might start a login", "`factory-worker doctor` again, once you are logged in");
    }
    let deadline = Instant::now() + timeout;
    let Some(namespace) = cluster.namespace.clone().or_else(|| login::namespace(cluster)) else {
        return Check::skip(NAME, "not tried: the namespace is not known", "set namespace: in workers.yaml");
    };
    let gateway = match Gateway::start(cluster, &Access::Workers(vec![namespace.clone()]), deadline) {
        Ok(gateway) => gateway,
        Err(failure) => {
            return Check::warn(
                NAME,
                format!("kubectl proxy does not start: {failure}; {OTHERWISE}"),
                "install kubectl 1.31 or newer",
            );
        }
    };
    let known = places.iter().find_map(|place| Some((Resolver::new(place.clone()).known()?, place.container.clone())));
    let Some((pod, container)) = known else {
        return Check::ok(NAME, "kubectl proxy serves; no pod is known to try an exec in");
    };
    tried(cluster, &gateway, &namespace, &pod, container.as_ref(), deadline)
}

fn tried(
    cluster: &Cluster,
    gateway: &Gateway,
    namespace: &ObjectName,
    pod: &ObjectName,
    container: Option<&ObjectName>,
    deadline: Instant,
) -> Check {
    let nonce = script::nonce();
    let script = Script { text: NOTHING, tmux: &[], arguments: &[], stdin: b"" };
    let answer = script.sent(&nonce).map_err(NoAnswer::Failed).and_then(|sent| {
        let request = Request { argv: &sent.argv, stdin: &sent.stdin, reads_to_end: false, deadline };
        gateway.exec(Target { namespace, pod, container }, request, Openings::one())
    });
    match answer {
        // Without sh there is no end to it, and yet an answer.
        Ok(_) => {}
        // It was the container that could not.
        Err(NoAnswer::Failed(failure)) if !is_of_the_way(&failure) => {}
        Err(NoAnswer::Failed(failure)) => return Check::warn(NAME, format!("{failure}; {OTHERWISE}"), failure.remedy()),
        Err(NoAnswer::NoWay { why, lasting }) => {
            if lasting {
                unfit::note(cluster, Some(&why));
            }
            let remedy = "ask for a role that may get pods/exec; let what is in front of the API server pass websockets; API servers do \
                          so since Kubernetes 1.30";
            return Check::warn(NAME, format!("{why}; {OTHERWISE} for a day"), remedy);
        }
    }
    unfit::note(cluster, None);
    Check::ok(NAME, "one kubectl for all workers of the cluster, execs by websocket")
}

fn is_of_the_way(failure: &Failure) -> bool {
    matches!(failure.kind, Kind::Unreachable | Kind::Incomplete | Kind::Unauthorized | Kind::Forbidden)
}

/// API servers that end a websocket on which nothing was said for five minutes, whatever pings there were.
pub fn idle(version: &str) -> Option<Check> {
    let version = Version::parse(version.trim_start_matches('v'));
    let ends = version.at_least(1, 30) && !version.at_least(1, 33);
    ends.then(|| {
        Check::warn(
            "API server",
            "this version may end a connection that is idle for five minutes (kubernetes#128314); a window then reconnects",
            "have it upgraded to Kubernetes 1.33",
        )
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("v1.29.9", false)]
    #[case("v1.30.0", true)]
    #[case("v1.32.13+k3s1", true)]
    #[case("v1.33.0", false)]
    #[case("2.0", false)]
    #[case("", false)]
    fn three_versions_end_what_is_idle(#[case] version: &str, #[case] ends: bool) {
        assert_eq!(idle(version).is_some(), ends);
    }
}
