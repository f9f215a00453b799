#!/bin/sh
# Builds and runs every test, and says how long they took once they were built. One more suite at a time than there are
# processors, each with one more test at a time than there are: most of them wait for somebody most of the time, and cargo,
# which runs one suite after the other, would wait for the slowest test of each. What a suite prints is shown when it has ended.
# Arguments: none for all but the long ones, `--long` for these, or names of suites.
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

# What waits for links that stand still, and what tries everything there is, is a test run of its own.
long='first_connection reconnect_stalls soak polecat_way deploy_trouble login_view hostile_sizes hostile_words leftovers_stuck gc_frozen hub_storm'
# Every question has one meaning, whichever way it takes: what tests of questions prove is proven over a relay, too.
relayed='list peek dispatch interrupted nudge pod_faults pod_hostile hostile_sizes'
[ -z "${ALL_RELAYED-}" ] || relayed="$relayed pod_unproven hostile_words"

# without SUITE…: all but these.
without() {
	for suite; do
		printf '/%s-[0-9a-f]*"$\n' "$suite"
	done >"$logs/left"
	grep -v -f "$logs/left" "$logs/suites" >"$logs/wanted"
	mv "$logs/wanted" "$logs/suites"
}

# relays SUITE…: those of them that are there, over a relay.
relays() {
	for suite; do
		sed -n "/\/$suite-[0-9a-f]*\"\$/s/\$/ relay/p" "$logs/all-suites"
	done
}

cp "$logs/suites" "$logs/all-suites"
# shellcheck disable=SC2086 # one word for each suite
case ${1-} in
'')
	without $long
	: >"$logs/relayed"
	;;
--long)
	wanted $long
	relays $relayed >"$logs/relayed"
	;;
*)
	wanted "$@"
	cp "$logs/suites" "$logs/all-suites"
	relays $relayed >"$logs/relayed"
	;;
esac
# Whoever takes longest begins first, so that nobody waits for it alone at the end: the list of the long ones has that order.
sed 's/$/ ""/' "$logs/suites" | cat - "$logs/relayed" >"$logs/runs"

began=$(date +%s)
# shellcheck disable=SC2016 # it is the other shell that reads this
one='
	log=$1/${3##*/}$4
	status=0
	[ -z "$4" ] || export TEST_WAY="$4"
	(cd "$2" && CARGO_MANIFEST_DIR=$2 exec "$3") >"$log" 2>&1 </dev/null || status=$?
	until mkdir "$1/printing" 2>/dev/null; do sleep 0.1 2>/dev/null || sleep 1; done
	echo "     Running ${3##*/}${4:+ over a $4}"
	if [ "$status" -eq 0 ]; then
		cat "$log"
	else
		sed "s/^/${AMONG_OTHERS-}/" "$log"
		printf "\"%s\" \"%s\" \"%s\"\n" "$2" "$3" "$4" >>"$1/failed"
	fi
	rmdir "$1/printing"
'
# names: the suites in a list of runs.
names() {
	sed 's|^"[^"]*" "[^"]*/\([^"/]*\)-[0-9a-f]*" "\(.*\)"$|  \1 \2|; s| $||' "$1"
}
AMONG_OTHERS='among others: ' xargs -n 3 -P "$at_a_time" sh -c "$one" suite "$logs" <"$logs/runs"
[ "$#" -gt 0 ] || cargo test --workspace --exclude fuzz --locked --doc
# What fails on a machine that has too much to do is seen and said, and decides nothing: what fails when it has the machine for
# itself does.
if [ -e "$logs/failed" ]; then
	mv "$logs/failed" "$logs/at-first"
	xargs -n 3 -P 1 sh -c "$one" suite "$logs" <"$logs/at-first"
	echo 'suites with tests that failed among others, and were run again alone:' >&2
	names "$logs/at-first" >&2
fi
echo "all tests took $(($(date +%s) - began)) s"
[ ! -e "$logs/failed" ] || {
	echo 'suites with failing tests:' >&2
	names "$logs/failed" >&2
	exit 1
}
