# shellcheck shell=sh
# Needs: cat head tr
#
# Whether a program of one of these names runs in the agent's session. Arguments: the session's name, what it is known by
# (or nothing). Standard input: the names, a line each. The answer: `alive` or `dead`.
#
# Only what descends from the session's panes counts, by the program's own name: the pod's first process has the whole start
# command in its words, and would always match. A script is known by its own name as well as by its interpreter's.
find_session "$1" "$2"
newline='
'
wanted=$newline$(cat)$newline

# named NAME: whether it is one of the names.
named() {
	case $wanted in
	*"$newline$1$newline"*) [ -n "$1" ] ;;
	*) false ;;
	esac
}

# matches PID: by its command name, or by the last part of one of its first two words.
matches() {
	IFS= read -r name 2>/dev/null <"/proc/$1/comm" || return 1
	! named "$name" || return 0
	set -f
	IFS=$newline
	# shellcheck disable=SC2046 # to be split at line ends
	set -- $(tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | head -n 2)
	unset IFS
	set +f
	named "${1##*/}" || named "${2##*/}"
}

# shellcheck disable=SC2154 # find_session sets id
panes=$(tm list-panes -s -t "$id:" -F '#{?pane_dead,,#{pane_pid}}')
# Every process with its parent, `PID PARENT` a line.
all=$(for stat in /proc/[0-9]*/stat; do
	IFS= read -r line 2>/dev/null <"$stat" || continue
	# A command name may hold anything, also a parenthesis: what counts is behind the last.
	rest=${line##*) }
	rest=${rest#* }
	printf '%s %s\n' "${line%% *}" "${rest%% *}"
done)
open=$(printf '%s' "$panes" | tr '\n' ' ')
while [ -n "$open" ]; do
	next=
	for pid in $open; do
		if matches "$pid"; then
			finish alive
		fi
		next="$next $(printf '%s\n' "$all" | while read -r child parent; do
			[ "$parent" != "$pid" ] || printf '%s ' "$child"
		done)"
	done
	# Nothing but blanks is nothing.
	open=$(printf '%s' "$next" | tr -s ' ')
	open=${open# }
done
finish dead
