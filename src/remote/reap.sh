# shellcheck shell=sh
# Ends clients of views. A view's clients carry its tag in their environment, and nobody else's do.

# carriers TAG: their processes.
carriers() {
	# shellcheck disable=SC2013 # no such name has a space
	for file in $(grep -lsF "FACTORY_WORKER_VIEW=$1" /proc/[0-9]*/environ); do
		file=${file#/proc/}
		printf '%s ' "${file%/environ}"
	done
}

# end_clients TAG: ends them, and fails when it is not proven that none is left.
end_clients() {
	[ -r /proc/self/environ ] || return 1
	for signal in TERM KILL; do
		tries=0
		while pids=$(carriers "$1") && [ -n "$pids" ]; do
			# shellcheck disable=SC2086 # these are numbers
			[ "$tries" -gt 0 ] || kill -"$signal" $pids 2>/dev/null
			tries=$((tries + 1))
			[ "$tries" -le 20 ] || break
			# POSIX knows whole seconds only.
			sleep 0.05 2>/dev/null || sleep 1
		done
		[ -n "$pids" ] || return 0
	done
	return 1
}
