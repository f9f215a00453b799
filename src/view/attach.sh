# shellcheck shell=sh
# Becomes a client of a session. Arguments: the session's name, this view's tag, terminal types separated by spaces (the
# first that is known here is used: terminfo.sh comes before this), then flags for attach-session.
#
# It runs on the operator's terminal, so it says nothing: exit 94 means that it never came to attach.
name=$1 tag=$2 types=$3
shift 3

finish() {
	exit 94
}

find_session "$name" >/dev/null

for type in $types; do
	if knows "$type"; then
		TERM=$type
		export TERM
		break
	fi
done
if [ "$(LC_ALL=C.UTF-8 locale charmap 2>/dev/null)" = UTF-8 ]; then
	LC_ALL=C.UTF-8
	export LC_ALL
fi

# This shell's process becomes the client: whatever happens to the connection, it can be found again and ended.
tm set-option -s "@factory-worker-client-$tag" "$$"
# shellcheck disable=SC2154 # the prelude sets words, find_session sets id
eval "exec $words"' -u attach-session "$@" -t "$id"'
