# shellcheck shell=sh
# Needs: dd sh
#
# A shell that is asked again and again, over one connection (about.sh and reap.sh come before this). Arguments: a tag, which
# whatever it runs carries; if it is to tell by itself which sessions there are (watch.sh comes before this), how many seconds go by
# between two looks, and the channel of what is announced.
#
# A request is a line "NONCE BYTES", and so many bytes: words as a shell reads them, the first what a program is to read, then the
# program and its arguments; and the nonce in a comment. Without that nothing runs: the connection was cut. dd takes no byte more
# than it is asked for, where head does (busybox). The answer is what the program says, and then the nonce on a line of each output, on
# the standard one with the program's status. Nothing follows a request before it is answered, so what there is to be read meanwhile
# is the end of the connection, and of all that was asked for.
# shellcheck disable=SC2034 # channel is for watch.sh
tag=$1 every=${2-} channel=${3-}
exec 3<&0 4>&1 </dev/null

# leave: ends what it has started, and itself.
leave() {
	trap '' HUP PIPE TERM
	end_clients "$tag" >/dev/null 2>&1
	exit
}

# answer INPUT COMMAND…: runs it, and lets nobody wait for the connection any more.
answer() {
	input=$1
	shift
	printf %s "$input" 2>/dev/null | FACTORY_WORKER_VIEW=$tag.1 "$@" 3<&-
	status=$?
	# It may not have become dd yet, and still catch what this shell catches.
	kill -KILL "$connection" 2>/dev/null
	exit "$status"
}

# serve: answers until there is no more to be asked.
# shellcheck disable=SC2120 # they are those of a request
serve() {
	trap leave HUP PIPE TERM
	printf '\n%s ready\n' "$tag" >&4
	while read -r nonce bytes <&3; do
		words=$(dd bs=1 count="$bytes" <&3 2>/dev/null)
		case $words in
		*" #$nonce") ;;
		*) leave ;;
		esac
		eval "set -- $words"
		dd bs=1 count=1 <&3 >/dev/null 2>&1 &
		connection=$!
		answer "$@" >&4 4>&- &
		answer=$!
		wait "$connection" 2>/dev/null
		[ "$?" -ge 128 ] || leave
		wait "$answer"
		status=$?
		printf '\n%s\n' "$nonce" >&2
		printf '\n%s %s\n' "$nonce" "$status" >&4
	done
	leave
}

if [ -n "$every" ]; then
	# Who it is, for whoever looks whether it is there: a subshell has no other way to know.
	{
		sh -c 'echo "$PPID"'
		# shellcheck disable=SC2119
		serve
	} | watcher
else
	# shellcheck disable=SC2119
	serve
fi
