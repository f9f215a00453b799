# shellcheck shell=sh
# about PID: sets program, parent, start (the time: a number may be used again) and catches (1 when it catches TERM); fails
# when it has ended, and perhaps waits for its parent to notice: it has no memory then.
# shellcheck disable=SC2034
about() {
	{ IFS= read -r line <"/proc/$1/stat"; } 2>/dev/null || return
	program=${line#*\(}
	program=${program%)*}
	# shellcheck disable=SC2086 # to be split
	set -- ${line##*\) }
	[ "${21-0}" != 0 ] || return
	parent=$2 start=${20} catches=$((${32} >> 14 & 1))
}
