//! A view whose user logs in with a plugin: what it starts by itself, and what it does not.

#[path = "support/login_plugin.rs"]
mod login_plugin;
#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/traces.rs"]
mod traces;
#[path = "support/window.rs"]
mod window;

use std::time::{Duration, Instant};

use login_plugin::LoginPlugin;
use window::{Factory, Kind};

#[test]
fn a_view_starts_no_login_beside_its_connection() {
    let mut factory = Factory::start(Kind::Deployment);
    let plugin = LoginPlugin::of(&mut factory.operator, "browser", "IfAvailable");
    plugin.is_logged_in();
    factory.pod().tmux(&["respawn-pane", "-k", "-t", "=qa:", "--", "sh", "-c", "stty -echo; echo I am qa; sleep 1000"]);
    let window = factory.window();
    let before = window.client();
    factory.wait_start_known();
    plugin.expires();
    // Somebody types into a program that answers nothing: the worker would be asked after ten seconds, and again.
    let end = Instant::now() + Duration::from_secs(40);
    while Instant::now() < end {
        assert_eq!(window.state(), "connected");
        window.screen.keys(&["x"]);
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(window.client(), before);
    assert_eq!(plugin.logins(), 0);
}
