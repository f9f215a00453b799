//! A login plugin of a kubeconfig that behaves as those of real clusters do: it keeps what it has been given, and when that
//! is gone it needs a person. Everything it does is noted.

#![allow(dead_code)] // every test binary uses its own part

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use kubesim::Kubeconfig;
use serde_json::json;

use crate::operator::Operator;
use crate::support::Ran;

/// Arguments: its directory, the token, and how it reaches its person: `browser` waits until the person has been at a
/// page somewhere (a file `granted`), `ask` asks on standard input what `name` and `password` say, `tty` does so on the
/// controlling terminal, and `fail` fails.
const PLUGIN: &str = r#"
place=$1 token=$2 way=$3
hand_out() {
	printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$token"
	exit
}
echo run >>"$place/runs"
if [ -e "$place/kept" ]; then
	hand_out
fi
mkdir "$place/at-work/$$"
trap 'rmdir "$place/at-work/$$"' EXIT
trap 'exit 130' INT TERM HUP
# Those that are alive: one that was killed has cleared nothing away, and may not even be reaped yet.
count=0
for other in "$place"/at-work/*; do
	case $(ps -o args= -p "${other##*/}") in
	*login-plugin*) count=$((count + 1)) ;;
	esac
done
echo "$count" >>"$place/at-the-same-time"
echo "$PPID" >>"$place/logins"
case $way in
browser)
	echo 'Open https://login.example.com/device and enter ABCD-EFGH' >&2
	until [ -e "$place/granted" ]; do sleep 0.05; done
	;;
ask)
	printf 'Name: ' >&2
	IFS= read -r name || exit 4
	stty -echo
	printf 'Password: ' >&2
	IFS= read -r password || exit 4
	stty echo
	[ "$name:$password" = ann:sesame ] || exit 1
	;;
tty)
	exec 3<>/dev/tty || exit 5
	stty -echo <&3
	printf 'PASSWORD ON THE TERMINAL: ' >&3
	IFS= read -r password <&3
	[ "$password" = sesame ] || exit 1
	;;
fail)
	echo 'your session is over' >&2
	exit 3
	;;
esac
if [ ! -e "$place/keeps-nothing" ]; then
	: >"$place/kept"
fi
hand_out
"#;

/// The plugin of the operator's kubeconfig.
pub struct LoginPlugin {
    place: PathBuf,
}

impl LoginPlugin {
    /// The operator logs in with it from now on: it has nothing kept, reaches its person in this way (see [`PLUGIN`]), and
    /// this is its `interactiveMode`.
    pub fn of(operator: &mut Operator, way: &str, mode: &str) -> Self {
        let login = operator.cluster.admin("ann");
        let place = operator.cluster.directory().join("login-plugin");
        fs::create_dir_all(place.join("at-work")).unwrap();
        let user = json!({ "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "sh",
            "args": ["-c", PLUGIN, "login-plugin", place, login.token, way],
            "interactiveMode": mode,
        }});
        let file = operator.cluster.directory().join("with-plugin");
        Kubeconfig::new().secure("plugin", &operator.cluster, user).write(&file);
        let world = std::mem::replace(&mut operator.world, crate::support::World::new());
        operator.world = world.env("KUBECONFIG", file.to_str().unwrap());
        Self { place }
    }

    /// Where it keeps what it has been given (`kept`), and its notes.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// It has been logged in before, and has kept that.
    pub fn is_logged_in(&self) {
        fs::write(self.place.join("kept"), "").unwrap();
    }

    /// What it has kept is of no use any more.
    pub fn expires(&self) {
        let _ = fs::remove_file(self.place.join("kept"));
        let _ = fs::remove_file(self.place.join("granted"));
    }

    /// It asks each time.
    pub fn keeps_nothing(&self) {
        fs::write(self.place.join("keeps-nothing"), "").unwrap();
        self.expires();
    }

    /// The person has been at the page.
    pub fn grant(&self) {
        fs::write(self.place.join("granted"), "").unwrap();
    }

    fn lines(&self, name: &str) -> Vec<String> {
        fs::read_to_string(self.place.join(name)).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// How often kubectl has run it.
    pub fn runs(&self) -> usize {
        self.lines("runs").len()
    }

    /// How many kubectls needed its person. One whose plugin fails runs it once more for each of its requests.
    pub fn logins(&self) -> usize {
        self.lines("logins").into_iter().collect::<BTreeSet<_>>().len()
    }

    /// How many of those there were at the same time, at most.
    pub fn at_the_same_time(&self) -> usize {
        self.lines("at-the-same-time").iter().map(|count| count.parse().unwrap()).max().unwrap_or(0)
    }
}

/// Start a command of the operator's, to be waited for with [`end`].
pub fn start(operator: &Operator, arguments: &[&str]) -> Child {
    operator.world.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub fn end(child: Child) -> Ran {
    Ran::from(child.wait_with_output().unwrap())
}
