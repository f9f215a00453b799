//! Where the API server is, for somebody who wants to know no more than whether it can be reached.

use std::env;
use std::fmt::{self, Display, Formatter};

use serde_json::Value;

use super::http_proxy;

/// `HOST:PORT` of what kubectl connects to, by what the kubeconfig says of a cluster: the server, or the proxy on the way
/// to it. `None` when that is not known.
pub fn of(cluster: &Value) -> Option<String> {
    by(cluster, |name| env::var(name).ok())
}

/// Whether there is a proxy on the way, by the same; where the server is not known, whether there may be one.
pub fn is_behind_proxy(cluster: &Value) -> bool {
    is_behind(cluster, |name| env::var(name).ok())
}

fn is_behind(cluster: &Value, variable: impl Fn(&str) -> Option<String>) -> bool {
    if cluster["proxy-url"].as_str().is_some_and(|url| !url.is_empty()) {
        return true;
    }
    let server = cluster["server"].as_str().and_then(|server| Place::of(server, "https"));
    let (scheme, host, port) = server.map_or(("https", "unknown.invalid", "443"), |place| (place.scheme, place.host, place.port));
    http_proxy::proxy_for(scheme, host, port, variable).is_some()
}

fn by(cluster: &Value, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    // Such a proxy is for this server, whatever the environment says of exceptions.
    if let Some(proxy) = cluster["proxy-url"].as_str().filter(|url| !url.is_empty()) {
        return Some(Place::of(proxy, "http")?.to_string());
    }
    let server = Place::of(cluster["server"].as_str()?, "https")?;
    match http_proxy::proxy_for(server.scheme, server.host, server.port, variable) {
        Some(proxy) => Some(Place::of(&proxy, "http")?.to_string()),
        None => Some(server.to_string()),
    }
}

/// What a URL says of where to connect to.
struct Place<'a> {
    scheme: &'a str,
    /// Without the brackets of an IPv6 address.
    host: &'a str,
    port: &'a str,
}

impl<'a> Place<'a> {
    /// Of a URL, or of `HOST[:PORT]` in this scheme.
    fn of(url: &'a str, default: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://").unwrap_or((default, url));
        let authority = rest.split(['/', '?', '#']).next()?;
        let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        let usual = match scheme {
            "https" => "443",
            "http" => "80",
            "socks5" | "socks5h" => "1080",
            _ => return None,
        };
        let (host, port) = match place.rsplit_once(':') {
            // Behind the brackets of an IPv6 address.
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => (place, usual),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty()).then_some(Self { scheme, host, port })
    }
}

impl Display for Place<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(out, "[{}]:{}", self.host, self.port),
            false => write!(out, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://api.example.com", Some("api.example.com:443"))]
    #[case("https://api.example.com:6443/k8s/clusters/c-1", Some("api.example.com:6443"))]
    #[case("http://127.0.0.1:8001", Some("127.0.0.1:8001"))]
    #[case("https://[::1]:6443", Some("[::1]:6443"))]
    #[case("https://[::1]/", Some("[::1]:443"))]
    #[case("http://user:word@proxy", Some("proxy:80"))]
    #[case("socks5://localhost", Some("localhost:1080"))]
    #[case("api.example.com", Some("api.example.com:443"))]
    #[case("unix:///run/x", None)]
    #[case("https://", None)]
    fn a_url_names_a_host_and_a_port(#[case] url: &str, #[case] place: Option<&str>) {
        assert_eq!(Place::of(url, "https").map(|place| place.to_string()).as_deref(), place);
    }

    const PROXIES: &[(&str, &str)] =
        &[("HTTPS_PROXY", "http://me:word@p:3128"), ("http_proxy", "q"), ("NO_PROXY", "near,10.0.0.0/8,[fd00::1]")];

    fn with(variables: &[(&str, &str)], cluster: &str) -> Option<String> {
        let cluster = serde_json::from_str(&format!("{{{cluster}}}")).unwrap();
        let find = |name: &str| variables.iter().find(|(there, _)| *there == name).map(|(_, value)| (*value).to_owned());
        by(&cluster, find)
    }

    #[rstest]
    #[case(r#""server":"https://a""#, &[], "a:443")]
    #[case(r#""server":"https://a","proxy-url":"socks5://p""#, &[], "p:1080")]
    #[case(r#""server":"https://near","proxy-url":"p:3129""#, PROXIES, "p:3129")]
    #[case(r#""server":"https://a:6443""#, PROXIES, "p:3128")]
    #[case(r#""server":"http://a:8001""#, PROXIES, "q:80")]
    #[case(r#""server":"http://127.0.0.1:8001""#, PROXIES, "127.0.0.1:8001")]
    #[case(r#""server":"https://api.near:6443""#, PROXIES, "api.near:6443")]
    #[case(r#""server":"https://10.9.9.9:6443""#, PROXIES, "10.9.9.9:6443")]
    #[case(r#""server":"https://[fd00::1]:6443""#, PROXIES, "[fd00::1]:6443")]
    #[case(r#""server":"https://[fd00::2]:6443""#, PROXIES, "p:3128")]
    fn a_proxy_on_the_way_comes_before_the_server(
        #[case] cluster: &str,
        #[case] variables: &[(&str, &str)],
        #[case] place: &str,
    ) {
        assert_eq!(with(variables, cluster).as_deref(), Some(place));
        let server = ["a:443", "127.0.0.1:8001", "api.near:6443", "10.9.9.9:6443", "[fd00::1]:6443"];
        assert_eq!(behind(variables, cluster), !server.contains(&place));
    }

    fn behind(variables: &[(&str, &str)], cluster: &str) -> bool {
        let cluster = serde_json::from_str(&format!("{{{cluster}}}")).unwrap();
        is_behind(&cluster, |name| variables.iter().find(|(there, _)| *there == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_server_that_is_not_known_may_be_behind_a_proxy() {
        assert!(behind(PROXIES, "") && !behind(&[], ""));
    }

    #[test]
    fn what_makes_no_sense_is_no_place() {
        assert_eq!((of(&Value::Null), of(&serde_json::json!({ "server": 7 }))), (None, None));
        assert_eq!(with(&[("HTTPS_PROXY", "gopher://p")], r#""server":"https://a""#), None);
    }
}
