# shellcheck shell=sh
# Needs: sleep
# Uses: timeout

# bounded SECONDS COMMAND…: runs it with a time limit; 124 when it took longer.
#
# busybox's timeout leaves a process that watches for another second, holds the output meanwhile, and is waited for by nobody.
# It is known by being the same file as another program.
bounded() {
	# shellcheck disable=SC3013 # where there is no -ef, there is no busybox either
	if command -v timeout >/dev/null 2>&1 && ! [ "$(command -v timeout)" -ef "$(command -v head)" ]; then
		timeout "$@" </dev/null
		return
	fi
	seconds=$1
	shift
	"$@" </dev/null &
	command=$!
	watch "$command" "$seconds" >/dev/null 2>&1 &
	watcher=$!
	wait "$command" 2>/dev/null
	status=$?
	kill "$watcher" 2>/dev/null
	! wait "$watcher" || status=124
	return "$status"
}

# watch PID SECONDS: ends it after so long; fails when it was told before that it need not.
watch() {
	sleeper=''
	trap 'kill $sleeper; wait; exit 1' TERM
	sleep "$2" &
	sleeper=$!
	wait "$sleeper"
	kill "$1"
}
