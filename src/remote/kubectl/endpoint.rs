//! Where the API server is, for somebody who wants to know no more than whether it can be reached.

use std::env;

use serde_json::Value;

/// `HOST:PORT` of what kubectl connects to, by what `kubectl config view --minify` says; `None` when that is not known.
pub fn of(config: &[u8]) -> Option<String> {
    let config: Value = serde_json::from_slice(config).ok()?;
    let cluster = config.pointer("/clusters/0/cluster")?;
    let proxy = cluster["proxy-url"].as_str().filter(|url| !url.is_empty());
    // Which servers the environment's proxies are for is nothing that we know better than kubectl.
    let proxies = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
    if proxy.is_none() && proxies.iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty())) {
        return None;
    }
    host_and_port(proxy.or_else(|| cluster["server"].as_str())?)
}

fn host_and_port(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let default = match scheme {
        "https" => "443",
        "http" => "80",
        "socks5" | "socks5h" => "1080",
        _ => return None,
    };
    // Behind the brackets of an IPv6 address.
    let has_port = place.rsplit_once(']').map_or(place, |(_, behind)| behind).contains(':');
    match place {
        "" => None,
        place if has_port => Some(place.to_owned()),
        place => Some(format!("{place}:{default}")),
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
        assert_eq!(host_and_port(url).as_deref(), place);
    }

    #[test]
    fn a_proxy_comes_before_the_server() {
        let config = r#"{"clusters":[{"cluster":{"server":"https://a","proxy-url":"http://p:3128"}}]}"#;
        assert_eq!(of(config.as_bytes()).as_deref(), Some("p:3128"));
        assert_eq!(of(b"{}"), None);
        assert_eq!(of(b"no json"), None);
    }
}
