//! What an API server has against an object, which no right to it would change: rules, quotas, fields. The texts are those of
//! kubectl 1.32 with an API server 1.32, and as they were recorded in the tests.

use crate::failure::{Failure, Kind};
use crate::registry::names::ObjectName;
use crate::terminal::neutralise;

/// Words by which a refusal is known, and what to do about it; empty when the words say that themselves. The first that is in
/// the message is the one.
const REFUSALS: &[(&str, &str)] = &[
    (
        "because it is being terminated",
        "the namespace is being deleted: try again when `kubectl get namespaces` no longer shows it, or say another --namespace",
    ),
    ("exceeded quota", "`kubectl describe quota` shows what is used: give less, remove a worker, or have it raised"),
    (
        "failed quota",
        "the namespace's quota wants every container to say how much it takes: `kubectl describe quota` shows of what",
    ),
    (
        "only dynamically provisioned pvc can be resized",
        "the volume cannot grow: its StorageClass needs allowVolumeExpansion: true (`kubectl get storageclass`); leave --storage out",
    ),
    (
        "field can not be less than",
        "a volume cannot shrink: leave --storage out, or give no less than it has (`kubectl get persistentvolumeclaims`)",
    ),
    (
        "violates PodSecurity",
        "use --restricted, or let the namespace have privileged pods: \
         `kubectl label --overwrite namespace NAMESPACE pod-security.kubernetes.io/enforce=privileged`",
    ),
    ("field is immutable", "remove what is there, and make it again"),
    ("admission webhook", "a rule of the cluster forbids it, and no lack of rights; whoever runs the cluster knows which"),
    ("\" is invalid", ""),
    ("failed to create typed patch object", ""),
    ("strict decoding error", ""),
    ("(Invalid)", ""),
    ("(BadRequest)", ""),
    ("(Conflict)", ""),
    ("(AlreadyExists)", ""),
];

/// How a message begins that says who may not do what.
const RIGHTS: &str = " cannot ";

/// The refusal that kubectl's standard error tells of; `None` when it is something else that went wrong.
pub fn of(stderr: &[u8], namespace: Option<&ObjectName>) -> Option<Failure> {
    let said = in_one_line(&neutralise::plain(stderr));
    let (line, remedy) = said.lines().find_map(|line| {
        let lacks_a_right = line.contains("is forbidden: User \"") && line.contains(RIGHTS);
        let known = REFUSALS.iter().find(|(words, _)| line.contains(words)).map(|(_, remedy)| *remedy);
        // Whatever else is forbidden, is so by a rule that says itself what it is.
        let forbidden = line.starts_with("Error from server (Forbidden): ").then_some("");
        known.or(forbidden).filter(|_| !lacks_a_right).map(|remedy| (line, remedy))
    })?;
    let failure = Failure::new(Kind::Failed, format!("the cluster refused it: {}", without_beginning(line)));
    Some(if remedy.is_empty() { failure } else { failure.with_remedy(filled(remedy, namespace.map(ObjectName::as_str))) })
}

/// Whether only the rehearsal is refused: something that has a word in it takes part in none.
pub fn is_of_rehearsals(failure: &Failure) -> bool {
    failure.reason.contains("does not support dry run")
}

/// What to do about words of the cluster that say what it has against an object; `None` when they are none that are known.
pub fn remedy(said: &str, namespace: &str) -> Option<String> {
    let (_, remedy) = REFUSALS.iter().find(|(words, _)| said.contains(words))?;
    (!remedy.is_empty()).then(|| filled(remedy, Some(namespace)))
}

fn filled(remedy: &str, namespace: Option<&str>) -> String {
    remedy.replace("NAMESPACE", namespace.unwrap_or("default"))
}

/// kubectl writes each of several things that are invalid on a line of its own, behind a star.
fn in_one_line(said: &str) -> String {
    said.replace(" is invalid: \n* ", " is invalid: ").replace("\n* ", "; ")
}

/// `Error from server (Forbidden): error when creating "STDIN": …` says nothing to a person before its end.
fn without_beginning(line: &str) -> &str {
    let mut rest = line.strip_prefix("error: ").unwrap_or(line);
    if let Some(said) = rest.strip_prefix("Error from server").and_then(|said| Some(said.split_once(": ")?.1)) {
        rest = said;
    }
    match rest.strip_prefix("error when creating \"").and_then(|said| said.split_once("\": ")) {
        Some((_, said)) => said,
        None => rest,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Recorded with kubectl 1.32 against an API server 1.32.13, `apply --server-side` and `create`.
    #[rstest]
    #[case::shrinks(
        "The PersistentVolumeClaim \"v\" is invalid: spec.resources.requests.storage: Forbidden: field can not be less than status.capacity\n",
        "The PersistentVolumeClaim \"v\" is invalid: spec.resources.requests.storage",
        "a volume cannot shrink"
    )]
    #[case::exists(
        "Error from server (AlreadyExists): error when creating \"STDIN\": persistentvolumeclaims \"v\" already exists\n",
        "persistentvolumeclaims \"v\" already exists",
        ""
    )]
    #[case::cannot_grow(
        "Error from server (Forbidden): persistentvolumeclaims \"v\" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize\n",
        "persistentvolumeclaims \"v\" is forbidden: only dynamically",
        "allowVolumeExpansion"
    )]
    #[case::quota(
        "Error from server (Forbidden): error when creating \"STDIN\": pods \"q1\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0\n",
        "pods \"q1\" is forbidden: exceeded quota: q",
        "`kubectl describe quota`"
    )]
    #[case::pod_security(
        "Error from server (Forbidden): pods \"q1\" is forbidden: violates PodSecurity \"restricted:latest\": privileged (container \"c\" must not set securityContext.privileged=true)\n",
        "pods \"q1\" is forbidden: violates PodSecurity",
        "label --overwrite namespace ours "
    )]
    #[case::not_in_the_schema(
        "Error from server: failed to create typed patch object (words/q1; /v1, Kind=ConfigMap): .dat: field not declared in schema\n",
        "failed to create typed patch object (words/q1",
        ""
    )]
    #[case::unknown_field(
        "Error from server (BadRequest): error when creating \"STDIN\": ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"dat\"\n",
        "ConfigMap in version \"v1\" cannot be handled",
        ""
    )]
    #[case::bad_name(
        "The ConfigMap \"Bad Name\" is invalid: metadata.name: Invalid value: \"Bad Name\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters\n",
        "The ConfigMap \"Bad Name\" is invalid: metadata.name",
        ""
    )]
    #[case::several_fields(
        "The Deployment \"d\" is invalid: \n* spec.a: Required value\n* spec.b: Invalid value: \"x\": no\n",
        "The Deployment \"d\" is invalid: spec.a: Required value; spec.b: Invalid value: \"x\": no",
        ""
    )]
    #[case::ending(
        "Error from server (Forbidden): secrets \"s\" is forbidden: unable to create new content in namespace words-term because it is being terminated\n",
        "secrets \"s\" is forbidden: unable to create new content in namespace words-term",
        "the namespace is being deleted"
    )]
    #[case::webhook(
        "Error from server (Forbidden): admission webhook \"no\" denied the request: not today\n",
        "admission webhook \"no\" denied the request: not today",
        "no lack of rights"
    )]
    #[case::any_other_rule(
        "Error from server (Forbidden): pods \"x\" is forbidden: something of a later version\n",
        "pods \"x\" is forbidden: something of a later version",
        ""
    )]
    fn a_refusal_says_what_it_is_and_what_helps(#[case] said: &str, #[case] reason: &str, #[case] remedy: &str) {
        let failure = of(said.as_bytes(), Some(&"ours".parse().unwrap())).unwrap();
        assert!(failure.reason.starts_with(&format!("the cluster refused it: {reason}")), "{failure}");
        assert!(failure.remedy().contains(remedy) && failure.remedy().is_empty() == remedy.is_empty(), "{}", failure.remedy());
    }

    #[rstest]
    #[case(
        "Error from server (Forbidden): secrets \"s\" is forbidden: User \"bob\" cannot patch resource \"secrets\" in API group \"\" in the namespace \"n\"\n"
    )]
    #[case("Error from server (NotFound): namespaces \"nosuchns\" not found\n")]
    #[case("Unable to connect to the server: EOF\n")]
    fn what_is_none_is_left_to_others(#[case] said: &str) {
        assert_eq!(of(said.as_bytes(), None), None);
    }
}
