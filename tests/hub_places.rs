//! Where the hub listens: a directory that is the operator's alone, on machines where there is hardly a place for anything. Without
//! such a place there is no hub, and commands ask by themselves.

#[path = "support/hub.rs"]
mod hub;
#[path = "support/operator.rs"]
mod operator;
mod support;

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use hub::{Hub, rows_of, sessions};
use kubesim::{Guard, Ran};
use rstest::rstest;
use serde_json::Value;
use support::{BIN, World, eventually};

/// A user of whom there is nothing on this machine, so that what is taken without `XDG_RUNTIME_DIR` is this test's alone.
struct Nobody {
    world: World,
    user: String,
    place: PathBuf,
    /// Removes the place when we are killed.
    _guard: Guard,
}

impl Nobody {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let world = hub::world().worker("here");
        world.session("here", "qa", "exec cat");
        let user = (1_000_000_000 + std::process::id() * 64 + COUNT.fetch_add(1, Ordering::Relaxed)).to_string();
        let place = PathBuf::from(format!("/tmp/factory-worker-{user}"));
        let guard = Guard::of(&place).unwrap();
        Self { world, user, place, _guard: guard }
    }

    /// `factory-worker ARGUMENT…` as this user, without `XDG_RUNTIME_DIR`.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.program("unshare");
        command.args(["--user", "--map-user", &self.user, "--map-group", &self.user, "--", BIN]).args(arguments);
        command.env_remove("XDG_RUNTIME_DIR");
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    #[track_caller]
    fn row(&self) -> Value {
        let row = rows_of(self.command(&["list", "--json"])).remove(0);
        assert_eq!((row["status"].as_str(), sessions(&row)), (Some("running"), vec!["qa"]), "{row:#}");
        row
    }
}

impl Drop for Nobody {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.place);
        let _ = fs::remove_dir_all(&self.place);
        let _ = fs::remove_dir(elsewhere(&self.place));
    }
}

#[test]
fn without_a_runtime_directory_it_is_one_for_each_user_below_tmp() {
    let nobody = Nobody::new();
    let hub = Hub::of(&nobody.world, nobody.command(&["hub"]));
    eventually("the hub to be asked", || (nobody.row()["via"] == "hub").then_some(()));
    assert_eq!(fs::metadata(&nobody.place).unwrap().permissions().mode() & 0o777, 0o700);
    let inside: Vec<_> = fs::read_dir(&nobody.place).unwrap().flatten().collect();
    assert_eq!(inside.len(), 1);
    assert_eq!(inside[0].metadata().unwrap().permissions().mode() & 0o077, 0);
    nobody.run(&["hub", "status"]).expect(0);
    nobody.run(&["hub", "stop"]).expect(0);
    assert_eq!(hub.wait(), 0);
    assert_eq!(fs::read_dir(&nobody.place).unwrap().count(), 0);
}

fn make_private(path: &Path) {
    DirBuilder::new().mode(0o700).create(path).unwrap();
}

fn make_open(path: &Path) {
    make_private(path);
    fs::set_permissions(path, Permissions::from_mode(0o770)).unwrap();
}

fn make_file(path: &Path) {
    fs::write(path, "").unwrap();
}

fn elsewhere(path: &Path) -> PathBuf {
    path.with_extension("elsewhere")
}

fn make_link(path: &Path) {
    make_private(&elsewhere(path));
    symlink(elsewhere(path), path).unwrap();
}

/// Somebody else may have been there first.
#[rstest]
#[case::a_link(make_link, "is no directory")]
#[case::open_to_others(make_open, "is open to others")]
#[case::a_file(make_file, "is no directory")]
fn where_somebody_else_could_listen_there_is_none(#[case] make: fn(&Path), #[case] why: &str) {
    let nobody = Nobody::new();
    make(&nobody.place);
    let ran = nobody.run(&["hub"]).expect(1);
    assert!(
        ran.stderr.contains(&format!("{}: {why}", nobody.place.display())) && ran.stderr.contains("XDG_RUNTIME_DIR"),
        "{ran:?}"
    );
    assert_eq!(nobody.row()["via"], "direct");
    nobody.run(&["peek", "here/qa"]).expect(0);
    nobody.run(&["hub", "status"]).expect(1);
    nobody.run(&["hub", "stop"]).expect(0);
}

/// Does $1 (mounts; it has a namespace of its own), and then as user $2: a hub, a list until it comes from the hub or there is none,
/// and the hub's end. Prints the list and how the hub ended.
const ON_POOR_MACHINE: &str = r#"
set -eu
eval "$1"
exec unshare --user --map-user "$2" --map-group "$2" -- sh -c '
	"$1" hub &
	hub=$!
	while :; do
		listed=$("$1" list --json --workers "$2") || exit
		case $listed in *via*:*\"hub\"*) break ;; esac
		kill -0 $hub || break
		sleep 0.05
	done
	printf "%s\n" "$listed"
	"$1" peek --workers "$2" here/qa >/dev/null || exit
	"$1" hub stop >/dev/null || exit
	wait $hub || ended=$?
	echo "${ended-0}"
' sh "$3" "$4"
"#;

const READ_ONLY: &str = r#"mount -t tmpfs -o ro none "$XDG_RUNTIME_DIR""#;
const NO_MORE_FILES: &str = r#"mount -t tmpfs -o nr_inodes=1 none "$XDG_RUNTIME_DIR""#;
const FULL: &str = r#"mount -t tmpfs -o size=4k,mode=700 none "$XDG_RUNTIME_DIR"
head -c 4096 /dev/zero >"$XDG_RUNTIME_DIR/much""#;
const NO_HOME: &str = r#"mount -t tmpfs -o ro none "$HOME"
mount -t tmpfs -o ro none "$XDG_STATE_HOME""#;

#[rstest]
#[case::a_runtime_directory_that_is_read_only(READ_ONLY, true)]
#[case::one_with_no_room_for_files(NO_MORE_FILES, true)]
#[case::one_with_no_room_for_bytes(FULL, true)]
#[case::a_home_that_cannot_be_written(NO_HOME, true)]
#[case::no_place_at_all(READ_ONLY, false)]
fn on_a_poor_machine_it_listens_elsewhere_or_is_not_there(#[case] mounts: &str, #[case] can_be: bool) {
    let nobody = Nobody::new();
    let world = &nobody.world;
    if !can_be {
        make_file(&nobody.place);
    }
    fs::create_dir_all(world.path("state")).unwrap();
    let registry = world.path("workers.yaml");
    fs::copy(world.registry_path(), &registry).unwrap();
    let mut command = world.program("unshare");
    command.args(["--mount", "--user", "--map-root-user", "--", "sh", "-c", ON_POOR_MACHINE, "sh"]);
    command.args([mounts, &nobody.user, BIN, registry.to_str().unwrap()]);
    let ran = Ran::from(command.output().unwrap()).expect(0);
    let (listed, ended) = ran.stdout.trim_end().split_once('\n').unwrap_or_else(|| panic!("{ran:?}"));
    let listed: Value = serde_json::from_str(listed).unwrap();
    let row = &listed["workers"][0];
    assert_eq!((row["status"].as_str(), sessions(row)), (Some("running"), vec!["qa"]), "{row:#}");
    let expected = if can_be { ("hub", "0") } else { ("direct", "1") };
    assert_eq!((row["via"].as_str().unwrap(), ended), expected, "{}", ran.stderr);
}
