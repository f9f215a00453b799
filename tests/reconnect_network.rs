//! What windows of one machine share while they are down: one of them looks whether the API server is there again.

#[path = "support/operator.rs"]
mod operator;
#[path = "support/proxy.rs"]
mod proxy;
mod support;
#[path = "support/traces.rs"]
mod traces;
#[path = "support/window.rs"]
mod window;

use std::cell::RefCell;
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kubesim::Kubeconfig;
use proxy::Proxy;
use serde_json::{Value, json};
use support::eventually;
use window::{Factory, Kind, Window};

/// What is written down about the ways to API servers.
fn roads(factory: &Factory) -> Vec<Value> {
    let files = fs::read_dir(factory.operator.world.path("state/factory-worker")).unwrap().flatten();
    let paths = files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let named = paths.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("network-"));
    named.filter_map(|path| serde_json::from_slice(&fs::read(path).ok()?).ok()).collect()
}

/// How many seconds a window says it is until its next try.
fn pause(text: &str) -> Option<u32> {
    let rest = text.split("next try in ").nth(1)?;
    rest.split(' ').next()?.parse().ok()
}

#[test]
fn all_windows_hear_from_one_that_the_server_is_back() {
    let factory = Factory::start(Kind::Deployment);
    factory.pod().session("dev", window::APP);
    let window = factory.window();
    window.screen.run(&["open", "--detached", "w/dev"]).expect(0);
    let states = || {
        let listing = window.screen.inner(&["list-panes", "-a", "-F", "#{@factory-worker-state}"]);
        listing.lines().filter(|state| !state.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    eventually("both views", || (states() == ["connected", "connected"]).then_some(()));
    factory.cut_off();
    eventually("both to be down", || (states() == ["reconnecting", "reconnecting"]).then_some(()));
    // By then the other one, too, would not try for a while.
    window.screen.wait_until("a long pause", |text| pause(text).is_some_and(|seconds| seconds >= 9));
    assert_eq!(roads(&factory), [json!({ "away": true, "returns": 0 })], "one way, one file");
    factory.operator.cluster.accept_connections();
    eventually("both to be back", || (states() == ["connected", "connected"]).then_some(()));
    assert_eq!(roads(&factory), [json!({ "away": false, "returns": 1 })], "it was seen once, for both");
    eventually("no client to be left over", || (factory.pod().clients().len() == 2).then_some(()));
}

/// Cut a window off for as long as it takes until its next try by itself is far away, and see that it does not wait for that.
#[track_caller]
fn assert_used_at_once(window: &Window<'_>, cut_off: impl FnOnce(), return_: impl FnOnce()) {
    cut_off();
    // Such a pause is one of the longest.
    window.screen.wait_until("a long pause", |text| pause(text).is_some_and(|seconds| seconds >= 9));
    return_();
    let seen = |text: &str| pause(text).is_none_or(|seconds| seconds < 3);
    // What is shown then is not the end of that pause, but an attempt, or the session.
    let text = window.screen.wait_until("something to happen", seen);
    assert!(pause(&text).is_none(), "the pause went by: {text}");
    window.wait_back();
}

#[test]
fn a_server_that_is_back_is_used_before_the_back_off_says_so() {
    let factory = Factory::start(Kind::Deployment);
    let window = factory.window();
    assert_used_at_once(&window, || factory.cut_off(), || factory.operator.cluster.accept_connections());
}

#[test]
fn so_is_a_proxy_on_the_way() {
    let mut factory = Factory::start(Kind::Deployment);
    let proxy = RefCell::new(Proxy::start());
    let address = proxy.borrow().address;
    let login = factory.operator.cluster.admin("ann");
    let cluster = json!({
        "server": factory.operator.cluster.secure_url(),
        "certificate-authority-data": STANDARD.encode(factory.operator.cluster.authority()),
        "proxy-url": format!("http://{address}"),
    });
    let file = factory.operator.cluster.directory().join("through-a-proxy");
    Kubeconfig::new().entry("through", cluster, json!({ "token": login.token })).write(&file);
    factory.operator.world = factory.operator.world.env("KUBECONFIG", file.to_str().unwrap());
    let window = factory.window();
    window.types("through the proxy");
    assert!(proxy.borrow().tunnels() > 0, "kubectl found another way");
    assert_used_at_once(&window, || proxy.borrow_mut().go_away(), || proxy.borrow_mut().come_back());
    window.types("and again");
}
