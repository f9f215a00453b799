# shellcheck shell=sh
# What every script that we send begins with. Arguments: a nonce, how many words the tmux command line has,
# those words, then the script's own arguments, which are "$@" when this part is done.
#
# The words stay in variables and are called by reference, so no shell ever parses them.
nonce=$1 count=$2
shift 2
words= i=0
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

# session_id NAME: the id of the session of exactly this name. Nothing when there is none, two words when the
# name is ambiguous. Ids are targets that no name can imitate.
session_id() {
	tm list-sessions -F '#{session_id} #{session_name}' | while IFS= read -r line; do
		[ "${line#* }" = "$1" ] && printf '%s\n' "${line%% *}"
	done
}
