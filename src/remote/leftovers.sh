# shellcheck shell=sh
# Ends what views of this machine have left when they died (reap.sh and gone.sh come before this); then comes the script that
# somebody wanted to run, and has to wait for as little of that as can be. Arguments: how many views such are, these views;
# what follows is the script's own.
number=$1 left=''
shift
while [ "$number" -gt 0 ]; do
	left="$left $1"
	number=$((number - 1))
	shift
done

# shellcheck disable=SC2086 # tags are words
finish() {
	[ "$#" -eq 0 ] || mark "$1"
	[ "$#" -lt 2 ] || printf '%s\n' "$2"
	end_clients $left
	mark_gone $left
	mark end
	exit 0
}

# shellcheck disable=SC2086
look_for $left
signal TERM
