# shellcheck shell=sh
# What every script that we send begins with. Arguments: a nonce, how many words the tmux command line has,
# those words, then the script's own arguments, which are "$@" when this part is done.
#
# The words stay in variables and are called by reference, so no shell ever parses them.
nonce=$1 count=$2
shift 2
words='' i=0
while [ "$i" -lt "$count" ]; do
	i=$((i + 1))
	eval "word_$i=\$1"
	words="$words \"\$word_$i\""
	shift
done

# tm ARGUMENT…: the worker's tmux.
tm() {
	eval "$words"' -u "$@"'
}

# mark TEXT: ends one part of the answer and begins the next; nobody else knows the nonce.
mark() {
	printf '\n%s %s\n' "$nonce" "$*"
}

# find_session NAME: sets id to the id of the session of exactly this name, or ends the script saying why not.
# Ids are targets that no name can imitate: a session *named* $0 would be taken for the id $0.
find_session() {
	# shellcheck disable=SC2154 # set by the eval above
	if ! command -v "$word_1" >/dev/null 2>&1; then
		finish no-tmux
	fi
	if ! listing=$(tm list-sessions -F '#{session_id} #{session_name}' 2>&1); then
		mark tmux-failed
		printf '%s\n' "$listing"
		finish
	fi
	# No here-document: some shells need a writable disk for it.
	id=$(printf '%s\n' "$listing" | while IFS= read -r line; do
		[ "${line#* }" != "$1" ] || printf '%s ' "${line%% *}"
	done)
	case $id in
	'') finish no-session ;;
	*' '?*) finish ambiguous ;;
	esac
	id=${id% }
}

# finish [MARK]: ends the answer, and the script.
finish() {
	[ "$#" -eq 0 ] || mark "$1"
	mark end
	exit 0
}
