#!/usr/bin/env bash
# Binds the plugin's keys, and says so when there is no program for them. Running it again changes nothing.
# A key that finds no program runs it too, with the client it was pressed on, or - in a popup: perhaps there is one now.
#
# Bash 3.2 must do: macOS has nothing newer.

# The major.minor of the program that these keys go with (a test compares it with Cargo.toml).
version=0.1

client=${1:-}
plugin=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." >/dev/null && pwd)
# What every binding of ours holds, and nobody else's.
mark=tmux-plugin/factory-worker
# The absolute path of the program, or what is wrong and what to do about it.
program='' problem=''

main() {
	find_program
	bind_keys
	wrap_copy_mode
	if [ -n "$problem" ]; then
		say "$problem"
	elif [ -n "$client" ]; then
		say 'factory-worker is ready: press the key again'
	fi
}

# The first program that fits: the one the user names, else the plugin's own, else the one on PATH.
# The remedy comes first in a message: what does not fit on the status line is cut off.
find_program() {
	local given candidate found remedy
	remedy="run \`make install\` in $(short "$plugin")"
	given=$(option @factory-worker-bin '')
	problem="factory-worker is missing: $remedy"
	case $given in
	'') set -- "$plugin/bin/factory-worker" "$plugin/target/release/factory-worker" "$(command -v factory-worker)" ;;
	*)
		problem="factory-worker is missing: $remedy, or correct @factory-worker-bin ($given)"
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
		problem="factory-worker is not $version: $remedy ($(short "$candidate"): ${found:-no version})"
	done
}

# Binds each key as its option says, and gives back those that were ours before and are no more.
bind_keys() {
	local what default width height title key keys='' old
	while read -r what default width height title; do
		key=$(option "@factory-worker-$what-key" "$default")
		if [ -n "$key" ] && may_take "$key" "$what" "$keys"; then
			keys="$keys $key"
			bind_key "$key" "$what" "$(size "$what-width" "$width")" "$(size "$what-height" "$height")" "$title"
		fi
	done <<-'END'
		pick W 90% 85% factory-worker
		peek P 90% 85% peek
		dispatch G 80% 70% dispatch
		nudge N 80% 70% nudge
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

# bind_key KEY WHAT WIDTH HEIGHT TITLE: tmux itself opens the popup, before it looks at the next key: what is typed at once must
# not reach the session below. A popup larger than the terminal, which tmux refuses, gets all of it. The formats hold nothing
# that anybody could choose. A command that fails in if-shell does not keep those behind it from running.
bind_key() {
	local popup
	if [ -n "$problem" ]; then
		bind_to "$1" "$2" run-shell -b "$(quoted "$plugin/$mark.tmux" | sed 's/#/##/g') #{q:client_name}"
		return
	fi
	popup="-- /bin/sh $(quoted "$plugin/$mark-popup.sh") $2 $(quoted "$program")"
	! has_titles || popup="-T ' $5 ' $popup"
	bind_to "$1" "$2" set-environment -F FACTORY_WORKER_AT '#{client_name} #{pane_id}' '\;' \
		if-shell -F "#{&&:#{e|<=:$(cells "$3"),#{client_width}},#{e|<=:$(cells "$4"),#{client_height}}}" \
		"display-popup -EE -w $(quoted "$3") -h $(quoted "$4") $popup" "display-popup -EE -w 100% -h 100% $popup" '\;' \
		refresh-client -f read-only '\;' run-shell -b -C "$writable"
}

# Keys that tmux read in one go with the popup's key wait until the popup is closed, then go to the pane. So the client is
# read-only at that moment; this command, which comes behind those keys, ends that. Naming the key table keeps switch-client
# from switching anything; it clears ignore-size too.
writable='switch-client -r -T "#{key-table}" #{?#{m:*ignore-size*,#{client_flags}},; refresh-client -f ignore-size,}'

# Where a session is that takes the keys of a view: a worker window that is not down, and has no copy mode of its own open.
seamless='#{&&:#{==:#{@factory-worker-view}#{pane_path},1factory-worker:seamless},'
seamless="$seamless#{&&:#{m/r:^(connected|stalled)?\$,#{@factory-worker-state}},#{?pane_in_mode,0,1}}}"
# What enters copy mode there, with the operator's kind of keys: ESC [7731~ or ESC [7732~ (the view binds them, sync.sh).
remote="if-shell -F '#{==:#{mode-keys},vi}' 'send-keys -H 1b 5b 37 37 33 32 7e' 'send-keys -H 1b 5b 37 37 33 31 7e'"

# Makes each key that does nothing but enter copy mode enter the *session's* in a worker window, where the history is. In
# every other window it does what it did. What is bound now is looked at anew, so the user's own changes count.
wrap_copy_mode() {
	local table notes line on
	on=$(option @factory-worker-copy-mode on)
	for table in $(tmux list-keys | sed -n '/copy-mode/s/^bind-key *\(-r\)\{0,1\} *-T \([^ ]*\) .*/\2/p' | sort -u); do
		case $table in
		copy-mode | copy-mode-vi) continue ;;
		esac
		notes=$(tmux list-keys -N -P '' -T "$table" 2>/dev/null)
		tmux list-keys -T "$table" | while IFS= read -r line; do
			wrapped "$line" "$notes" "$on"
		done
	done | tmux source-file -
}

# wrapped LINE NOTES ON: the command that binds one key anew, if it is such a key. LINE is what tmux says of it, with the key
# written as tmux reads it; NOTES are what people read of the keys of its table; ON is off to take back what was done.
wrapped() {
	local form='^bind-key +(-r +)?-T ([^ ]+) +("[^ ]*"|'\''[^ ]*'\''|[^ ]+) +(.*)$' ours=factory-worker:seamless repeat table key command flags now
	[[ $1 =~ $form ]] || return 0
	repeat=${BASH_REMATCH[1]} table=${BASH_REMATCH[2]} key=${BASH_REMATCH[3]} command=${BASH_REMATCH[4]}
	case $command in
	*"$ours"*) now=wrapped flags=${command##*copy-mode} flags=${flags%\"} ;;
	copy-mode | 'copy-mode -'[euH] | 'copy-mode -'[euH][euH]) now=bare flags=${command#copy-mode} ;;
	*) return 0 ;;
	esac
	case $3 in
	off)
		[ "$now" = wrapped ] || return 0
		command="copy-mode$flags"
		;;
	*)
		command="if-shell -F $(quoted "$seamless") $(quoted "$(remote_copy_mode "$flags")") $(quoted "copy-mode$flags")"
		;;
	esac
	printf 'bind-key %s-N %s -T %s %s %s\n' "$repeat" "$(quoted "$(note "$key" "$2")")" "$table" "$key" "$command"
}

# remote_copy_mode FLAGS: the same in the session; up a page too when that is asked for.
remote_copy_mode() {
	case $1 in
	*u*) printf '%s\n' "$remote ; send-keys PPage" ;;
	*) printf '%s\n' "$remote" ;;
	esac
}

# note KEY NOTES: what list-keys tells people about the key; nothing when there is no note.
note() {
	local key=$1 name text
	case $key in
	\\?) key=${key#?} ;;
	[\"\']*) key=${key#?} key=${key%?} ;;
	esac
	printf '%s\n' "$2" | while read -r name text; do
		[ "$name" != "${key/\\\\/\\}" ] || printf '%s\n' "$text"
	done
}

# bind_to KEY WHAT WORD...: the words are one command, or several with \; between them.
bind_to() {
	local key=$1 what=$2
	shift 2
	tmux bind-key -T prefix -N "factory-worker: $what" -- "$(word "$key")" "$@"
}

# has_titles: whether this tmux has popups with titles. 3.2, the first with popups, has none.
has_titles() {
	case $(tmux display-message -p '#{version}') in
	3.2*) return 1 ;;
	esac
}

# size NAME DEFAULT: the option's value, cells or percent. tmux says so when it is neither.
size() {
	local given
	given=$(option "@factory-worker-$1" '')
	printf '%s\n' "${given:-$2}"
}

# cells SIZE: how many of the terminal's cells it takes, or 0 when that is not what it says.
cells() {
	case $1 in
	*[!0-9]*) echo 0 ;;
	*) printf '%s\n' "$1" ;;
	esac
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
	if [ "$client" = - ]; then
		printf '%s\n' "$1"
		return
	fi
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

# short PATH: as people write it, so that more of it fits on the status line.
short() {
	case ${HOME:+home}$1 in
	home"$HOME"/*) printf '~%s\n' "${1#"$HOME"}" ;;
	*) printf '%s\n' "$1" ;;
	esac
}

# quoted TEXT: one word for sh, and for tmux's own commands.
quoted() {
	printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

# word TEXT: one argument for tmux; a semicolon at its end would end the command.
word() {
	case $1 in
	*\;) printf '%s\\;' "${1%;}" ;;
	*) printf '%s' "$1" ;;
	esac
}

main
