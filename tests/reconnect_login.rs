//! A window that comes back by a login plugin which takes its time: nobody is connected who is still logging in.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/traces.rs"]
mod traces;
#[path = "support/window.rs"]
mod window;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kubesim::{Fault, Kubeconfig};
use rstest::rstest;
use serde_json::json;
use support::eventually;
use window::{Factory, Kind, MORE_THAN_A_SECOND, Window};

/// Hands out its token when its person has been at a page somewhere: when there is a file `granted`. A file `refused` ends it.
const PLUGIN: &str = r#"
[ -e "$1/granted" ] || echo 'open https://login.example.com/device' >&2
until [ -e "$1/granted" ]; do
	[ ! -e "$1/refused" ] || exit 3
	sleep 0.05
done
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$2"
"#;

/// A factory whose operator logs in with it.
struct Login {
    factory: Factory,
    place: PathBuf,
}

impl Login {
    fn start(mode: &str) -> Self {
        let mut factory = Factory::start(Kind::Deployment);
        let token = factory.operator.cluster.admin("ann").token;
        let place = factory.operator.cluster.directory().join("login");
        fs::create_dir_all(&place).unwrap();
        let plugin = json!({ "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "sh",
            "args": ["-c", PLUGIN, "sh", place, token],
            "interactiveMode": mode,
        }});
        let file = factory.operator.cluster.directory().join("plugin");
        Kubeconfig::new().secure("plugin", &factory.operator.cluster, plugin).write(&file);
        factory.operator.world = factory.operator.world.env("KUBECONFIG", file.to_str().unwrap());
        Self { factory, place }
    }

    fn put(&self, name: &str) {
        fs::write(self.place.join(name), "").unwrap();
    }

    fn take_away(&self, name: &str) {
        fs::remove_file(self.place.join(name)).unwrap();
    }

    /// A connected window that loses its connection when a new login is due.
    fn window_that_is_cut(&self) -> Window<'_> {
        self.put("granted");
        let window = self.factory.window();
        window.types("before");
        self.factory.wait_start_known();
        self.take_away("granted");
        assert_eq!(self.factory.operator.cluster.break_open_execs("fleet", &Fault::cut_after(Duration::ZERO)), 1);
        window.wait_state("reconnecting");
        window
    }

    /// A window that is opened when a login is due; which pod it is is known.
    fn window_that_is_opened(&self) -> Window<'_> {
        self.put("granted");
        self.factory.operator.run(&["list"]).expect(0);
        self.take_away("granted");
        self.factory.opened()
    }
}

/// For longer than a view without a connection in sight was ever taken for connected, and than an attempt may take.
#[track_caller]
fn assert_not_connected(window: &Window<'_>) {
    let end = Instant::now() + Duration::from_secs(18);
    while Instant::now() < end {
        assert_eq!(window.state(), "reconnecting");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[rstest]
fn a_login_on_the_way_back_takes_as_long_as_it_takes(#[values("Never", "IfAvailable")] mode: &str) {
    let login = Login::start(mode);
    let window = login.window_that_is_cut();
    window.screen.wait("open https://login.example.com/device");
    assert_not_connected(&window);
    if mode == "Never" {
        window.key_until("d", "the details", |text| text.contains("attempts"));
        window.key_until("d", "the details to go", |text| !text.contains("attempts"));
    }
    login.put("granted");
    window.wait_back();
    window.types("after");
    assert_eq!(login.factory.typed(), ["before", "after"]);
    assert_eq!(window.name(), "w/qa");
    window.close();
    login.factory.wait_clean();
}

/// The cut has left it attached, and nobody has come so far that it could have been ended.
#[test]
fn the_client_that_was_left_is_remembered_when_a_login_fails() {
    let login = Login::start("Never");
    let window = login.window_that_is_cut();
    window.screen.wait("open https://login.example.com/device");
    assert_not_connected(&window);
    login.put("refused");
    window.wait_state("failed");
    eventually("Q to close the window", || {
        std::thread::sleep(MORE_THAN_A_SECOND);
        window.screen.keys(&["Q"]);
        std::thread::sleep(MORE_THAN_A_SECOND);
        (window.screen.windows() == ["|home"]).then_some(())
    });
    eventually("the processes to end", || login.factory.processes().is_empty().then_some(()));
    assert_eq!(login.factory.pod().clients().len(), 1, "nobody could end it");
    login.take_away("refused");
    login.put("granted");
    login.factory.operator.run(&["--timeout", "60s", "list"]).expect(0);
    login.factory.wait_clean();
}

#[rstest]
fn the_first_login_takes_as_long_as_it_takes_too(#[values("Never", "IfAvailable")] mode: &str) {
    let login = Login::start(mode);
    let window = login.window_that_is_opened();
    window.screen.wait("open https://login.example.com/device");
    window.wait_state("reconnecting");
    eventually("a mark", || (window.name() == "! w/qa").then_some(()));
    assert_not_connected(&window);
    login.put("granted");
    window.wait_back();
    window.types("after");
    assert_eq!(window.name(), "w/qa");
    window.close();
    login.factory.wait_clean();
}

/// What is typed blind at a login ends that at most.
#[test]
fn ctrl_c_at_a_login_closes_no_window() {
    let login = Login::start("IfAvailable");
    let window = login.window_that_is_opened();
    window.screen.wait("open https://login.example.com/device");
    window.screen.keys(&["C-c"]);
    window.wait_state("failed");
    window.screen.wait("it was interrupted");
    login.put("granted");
    window.key_until_back("Enter");
    window.types("after");
}
