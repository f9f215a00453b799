#!/bin/sh
# Builds and runs every test, and says how long they took once they were built. One more suite at a time than there are
# processors, each with one more test at a time than there are: most of them wait for somebody most of the time, and cargo,
# which runs one suite after the other, would wait for the slowest test of each. What a suite prints is shown when it has ended.
# Arguments: names of suites, when not all are wanted.
set -eu
cd "$(dirname "$0")/.."

at_a_time=$(($(getconf _NPROCESSORS_ONLN) + 1))
: "${RUST_TEST_THREADS:=$at_a_time}"
export RUST_TEST_THREADS

cargo test --workspace --exclude fuzz --locked --no-run
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
trap 'exit 130' INT TERM HUP

# One line for each suite: the directory of its package, and the program.
cargo test --workspace --exclude fuzz --locked --no-run --message-format=json 2>/dev/null |
	sed -n 's|.*"manifest_path":"\([^"]*\)/Cargo.toml".*"profile":{[^}]*"test":true}.*"executable":"\([^"]*\)".*|"\1" "\2"|p' >"$logs/suites"
[ -s "$logs/suites" ] || {
	echo 'cargo has built no tests that make/test.sh could find' >&2
	exit 1
}

# wanted SUITE…: these alone.
wanted() {
	for suite; do
		grep "/$suite-[0-9a-f]*\"\$" "$logs/suites"
	done >"$logs/wanted"
	mv "$logs/wanted" "$logs/suites"
}
[ "$#" -eq 0 ] || wanted "$@"

began=$(date +%s)
# shellcheck disable=SC2016 # it is the other shell that reads this
one='
	log=$1/${3##*/}
	status=0
	(cd "$2" && CARGO_MANIFEST_DIR=$2 exec "$3") >"$log" 2>&1 </dev/null || status=$?
	until mkdir "$1/printing" 2>/dev/null; do sleep 0.1 2>/dev/null || sleep 1; done
	echo "     Running ${3##*/}"
	cat "$log"
	[ "$status" -eq 0 ] || echo "${3##*/}" >>"$1/failed"
	rmdir "$1/printing"
'
xargs -n 2 -P "$at_a_time" sh -c "$one" suite "$logs" <"$logs/suites"
[ "$#" -gt 0 ] || cargo test --workspace --exclude fuzz --locked --doc
echo "all tests took $(($(date +%s) - began)) s"
[ ! -e "$logs/failed" ] || {
	echo 'suites with failing tests:' >&2
	sed 's/^/  /; s/-[0-9a-f]*$//' "$logs/failed" >&2
	exit 1
}
