# shellcheck shell=sh
# Run one of the worker's own commands in each of some directories; what it says is for people, so its two streams stay
# together (bounded.sh comes before this). Arguments: seconds each run may take, how many directories, those directories, the
# command.
seconds=$1 count=$2
shift 2
i=0
while [ "$i" -lt "$count" ]; do
	i=$((i + 1))
	eval "directory_$i=\$1"
	shift
done

i=0
while [ "$i" -lt "$count" ]; do
	i=$((i + 1))
	eval "directory=\$directory_$i"
	mark output
	# shellcheck disable=SC2154 # set by the eval
	(CDPATH='' cd -- "$directory" && bounded "$seconds" "$@") </dev/null 2>&1
	mark "status $?"
done
finish
