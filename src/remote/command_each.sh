# shellcheck shell=sh
# Run one of the worker's own commands in each of some directories; what it says is for people, so its two streams stay
# together. Arguments: seconds each run may take, how many directories, those directories, the command.
seconds=$1 count=$2
shift 2
i=0
while [ "$i" -lt "$count" ]; do
	i=$((i + 1))
	eval "directory_$i=\$1"
	shift
done

# bounded COMMAND…: the command with a time limit, where there is a timeout(1).
bounded() {
	if command -v timeout >/dev/null 2>&1; then
		timeout "$seconds" "$@"
	else
		"$@"
	fi
}

i=0
while [ "$i" -lt "$count" ]; do
	i=$((i + 1))
	eval "directory=\$directory_$i"
	mark output
	# shellcheck disable=SC2154 # set by the eval
	(CDPATH='' cd -- "$directory" && bounded "$@") </dev/null 2>&1
	mark "status $?"
done
finish
