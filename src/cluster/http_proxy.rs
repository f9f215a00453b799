//! Which proxy the environment has for a server, by the rules that kubectl follows (golang.org/x/net/http/httpproxy).

use std::net::IpAddr;

/// The proxy for a server of this scheme, host and port: a URL, or `HOST:PORT`. `variable` gives an environment variable.
pub fn proxy_for(scheme: &str, host: &str, port: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let any = |names: [&str; 2]| names.into_iter().filter_map(&variable).find(|value| !value.is_empty());
    let proxy = match scheme {
        "https" => any(["HTTPS_PROXY", "https_proxy"])?,
        "http" => any(["HTTP_PROXY", "http_proxy"])?,
        _ => return None,
    };
    let exceptions = any(["NO_PROXY", "no_proxy"]).unwrap_or_default();
    (!is_direct(&host.to_lowercase(), port, &exceptions)).then_some(proxy)
}

/// Whether no proxy is asked about this host: it is this machine, or one of the exceptions.
fn is_direct(host: &str, port: &str, exceptions: &str) -> bool {
    let address = host.parse::<IpAddr>().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    let mut exceptions = exceptions.split(',').map(|exception| exception.trim().to_lowercase());
    exceptions.any(|exception| match (exception.as_str(), address) {
        ("*", _) => true,
        (network, address) if network.contains('/') => address.is_some_and(|address| is_in(address, network)),
        (exception, address) => {
            let (name, only_port) = split_port(exception);
            (only_port.is_empty() || only_port == port) && is_named(host, address, name)
        }
    })
}

/// `HOST:PORT`, `[ADDRESS]:PORT`, or without a port.
fn split_port(place: &str) -> (&str, &str) {
    let (name, port) = match place.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, port),
        _ => (place, ""),
    };
    (name.trim_start_matches('[').trim_end_matches(']'), port)
}

/// `a.b` means itself and what is below it, `.a.b` and `*.a.b` only what is below it.
fn is_named(host: &str, address: Option<IpAddr>, name: &str) -> bool {
    if let Ok(other) = name.parse::<IpAddr>() {
        return address == Some(other);
    }
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    let below = name.strip_prefix('.').unwrap_or(name);
    let is_below = host.strip_suffix(below).is_some_and(|rest| rest.ends_with('.'));
    !below.is_empty() && (is_below || host == name)
}

/// `ADDRESS/BITS`
fn is_in(address: IpAddr, network: &str) -> bool {
    let Some((base, bits)) = network.split_once('/') else { return false };
    let (Ok(base), Ok(bits)) = (base.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let ((address, width), (base, base_width)) = (number(address), number(base));
    width == base_width && bits <= width && (address ^ base).checked_shr(width - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("api.example.com", "", false)]
    #[case("localhost", "", true)]
    #[case("127.0.0.9", "", true)]
    #[case("::1", "", true)]
    #[case("api.example.com", "*", true)]
    #[case("api.example.com", " x , Example.com", true)]
    #[case("example.com", "example.com", true)]
    #[case("badexample.com", "example.com", false)]
    #[case("api.example.com", ".example.com", true)]
    #[case("example.com", ".example.com", false)]
    #[case("api.example.com", "*.example.com", true)]
    #[case("example.com", "*.example.com", false)]
    #[case("api.example.com", "api.example.com:6443", true)]
    #[case("api.example.com", "api.example.com:443", false)]
    #[case("10.1.2.3", "10.0.0.0/8", true)]
    #[case("11.1.2.3", "10.0.0.0/8", false)]
    #[case("11.1.2.3", "0.0.0.0/0", true)]
    #[case("11.1.2.3", "10.0.0.0/99", false)]
    #[case("10.1.2.3", "10.1.2.3", true)]
    #[case("10.1.2.3", "10.1.2.3:6443", true)]
    #[case("10.1.2.3", "1.2.3", true)]
    #[case("fd00::7", "fd00::/8", true)]
    #[case("fd00::7", "10.0.0.0/8", false)]
    #[case("fd00::7", "[fd00::7]:6443", true)]
    #[case("fd00::7", "fd00::7", true)]
    #[case("api.example.com", ",.,:6443,/", false)]
    fn exceptions_are_those_of_go(#[case] host: &str, #[case] exceptions: &str, #[case] direct: bool) {
        assert_eq!(is_direct(host, "6443", exceptions), direct);
    }

    #[rstest]
    #[case("https", Some("s"))]
    #[case("http", Some("h"))]
    #[case("unix", None)]
    fn the_scheme_says_which_variable(#[case] scheme: &str, #[case] proxy: Option<&str>) {
        let variable = |name: &str| match name {
            "HTTPS_PROXY" | "NO_PROXY" => Some(String::new()),
            "https_proxy" => Some("s".to_owned()),
            "HTTP_PROXY" => Some("h".to_owned()),
            "no_proxy" => Some("example.com".to_owned()),
            _ => None,
        };
        assert_eq!(proxy_for(scheme, "elsewhere.com", "443", variable).as_deref(), proxy);
        assert_eq!(proxy_for(scheme, "Api.Example.com", "443", variable), None);
    }
}
