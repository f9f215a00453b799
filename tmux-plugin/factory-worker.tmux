#!/usr/bin/env bash
# Binds the plugin's keys, and says so when there is no program for them. Running it again changes nothing.
# A key that finds no program runs it too, with the client it was pressed on: perhaps there is one now.
#
# Bash 3.2 must do: macOS has nothing newer.

# The major.minor of the program that these keys go with (a test compares it with Cargo.toml).
version=0.1

client=${1:-}
plugin=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." >/dev/null && pwd)
# What every binding of ours holds, and nobody else's.
mark=tmux-plugin/factory-worker.tmux
# The absolute path of the program, or what is wrong and what to do about it.
program='' problem=''

main() {
	find_program
	bind_keys
	if [ -n "$problem" ]; then
		say "$problem"
	elif [ -n "$client" ]; then
		say 'factory-worker is ready: press the key again'
	fi
}

# The first program that fits: the one the user names, else the plugin's own, else the one on PATH.
# The remedy comes first in a message: what does not fit on the status line is cut off.
find_program() {
	local given candidate found remedy="run \`make install\` in $plugin"
	given=$(option @factory-worker-bin '')
	problem="factory-worker is not built yet: $remedy"
	case $given in
	'') set -- "$plugin/bin/factory-worker" "$plugin/target/release/factory-worker" "$(command -v factory-worker)" ;;
	*)
		problem="factory-worker is not at @factory-worker-bin: correct that, or $remedy ($given)"
		case $given in
		[~]/*) given=$HOME/${given#??} ;;
		esac
		set -- "$given"
		;;
	esac
	for candidate in "$@"; do
		if [ ! -f "$candidate" ] || [ ! -x "$candidate" ]; then
			continue
		fi
		found=$("$candidate" --version 2>/dev/null </dev/null)
		case $found in
		"factory-worker $version" | "factory-worker $version".*)
			program=$(absolute "$candidate") problem=''
			return
			;;
		esac
		problem="factory-worker is not $version, as this plugin needs: $remedy ($candidate: ${found:-no version})"
	done
}

# Binds each key as its option says, and gives back those that were ours before and are no more.
bind_keys() {
	local what default key keys='' old
	while read -r what default; do
		key=$(option "@factory-worker-$what-key" "$default")
		if [ -n "$key" ] && may_take "$key" "$what" "$keys"; then
			keys="$keys $key"
			bind_key "$key" "$what"
		fi
	done <<-'END'
		pick W
		peek P
		dispatch G
		nudge N
	END
	for old in $(option @factory-worker-bound ''); do
		case "$keys " in
		*" $old "*) ;;
		*) ! is_ours "$old" || tmux unbind-key -T prefix -- "$(word "$old")" ;;
		esac
	done
	tmux set-option -g @factory-worker-bound "$(word "${keys# }")"
}

# may_take KEY WHAT TAKEN: a key that the user chose is taken in any case; a default gives way to the user's own bindings.
may_take() {
	is_set "@factory-worker-$2-key" && return
	case "$3 " in
	*" $1 "*) return 1 ;;
	esac
	[ -z "$(binding "$1")" ] || is_ours "$1"
}

# bind_key KEY WHAT: what the key runs passes through tmux's formats, then through sh. Statuses from 126 say that sh could
# not run the program: it was there when the key was bound.
bind_key() {
	local again run
	again="$(quoted "$plugin/$mark") #{q:client_name}"
	if [ -n "$problem" ]; then
		run=$again
	else
		run="$(quoted "$program") popup $2 --client #{q:client_name} --pane #{q:pane_id}; [ \$? -lt 126 ] || $again"
	fi
	tmux bind-key -T prefix -N "factory-worker: $2" -- "$(word "$1")" run-shell -b "$run"
}

# binding KEY: what the key is bound to; nothing when it is free.
binding() {
	tmux list-keys -T prefix -- "$(word "$1")" 2>/dev/null
}

is_ours() {
	case $(binding "$1") in
	*"$mark"*) ;;
	*) return 1 ;;
	esac
}

# option NAME DEFAULT: the option's value; the default only when it is not set, since an empty value is one too.
option() {
	if is_set "$1"; then
		tmux show-options -gqv "$1"
	else
		printf '%s\n' "$2"
	fi
}

# is_set NAME: whether the option is set, be it to nothing.
is_set() {
	[ -n "$(tmux show-options -gq "$1")" ]
}

# say TEXT: tells whoever pressed the key, or who is there, or the first who comes. The text travels in an option, whose
# value is not expanded again, whatever is in it. While a message shows, panes stand still until a key: five seconds of that
# are enough.
say() {
	local notice='#{@factory-worker-notice}' hook='client-session-changed[7730]'
	tmux set-option -g @factory-worker-notice "$(word "$1")"
	if [ -n "$client" ]; then
		tmux display-message -c "$client" -d 5000 "$notice"
	elif [ -n "$(tmux list-clients)" ]; then
		tmux display-message -d 5000 "$notice"
	else
		tmux set-hook -g "$hook" "display-message -d 5000 '$notice' ; set-hook -gu '$hook'"
	fi
}

# absolute PATH: the same file, from any directory.
absolute() {
	case $1 in
	/*) printf '%s\n' "$1" ;;
	*) printf '%s\n' "$PWD/$1" ;;
	esac
}

# quoted TEXT: one word for sh, behind tmux's formats.
quoted() {
	printf "'%s'" "$(printf '%s' "$1" | sed -e "s/'/'\\\\''/g" -e 's/#/##/g')"
}

# word TEXT: one argument for tmux; a semicolon at its end would end the command.
word() {
	case $1 in
	*\;) printf '%s\\;' "${1%;}" ;;
	*) printf '%s' "$1" ;;
	esac
}

main
