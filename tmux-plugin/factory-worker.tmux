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
newline='
'
tab='	'

# tmux waits for this script when it starts. So tmux is asked at once for all that is set and bound, and a function whose answer
# is a text leaves it in REPLY, as read does: a process for each answer would take longer than all the rest.
main() {
	read_tmux
	find_program
	# First, since it goes by what was bound before: a key may have been chosen for more than copy mode.
	wrap_copy_mode
	bind_keys
	follow_workers
	if [ -n "$problem" ]; then
		say "$problem"
	elif [ -n "$client" ]; then
		say 'factory-worker is ready: press the key again'
	fi
}

# What tmux has set and bound before this script changes any of it; each on lines of its own, with a line's end before it.
read_tmux() {
	version_of_tmux=$(tmux display-message -p '#{version}')
	settings=$newline$(tmux show-options -g)$newline
	bindings=$newline$(tmux list-keys)$newline
}

# The first program that fits: the one the user names, else the plugin's own, else the one on PATH.
# The remedy comes first in a message: what does not fit on the status line is cut off.
find_program() {
	local given candidate found remedy
	short "$plugin"
	remedy="run \`make install\` in $REPLY"
	option @factory-worker-bin ''
	given=$REPLY
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
			absolute "$candidate"
			program=$REPLY problem=''
			return
			;;
		esac
		short "$candidate"
		problem="factory-worker is not $version: $remedy ($REPLY: ${found:-no version})"
	done
}

# Starts the hub, which asks no cluster before somebody names a registry, and ends when nobody does; unless it is not wanted. Whoever
# runs in this tmux later on hears that, too.
follow_workers() {
	local live
	option @factory-worker-live on
	live=$REPLY
	option @factory-worker-live-set ''
	case $live in
	off)
		[ -n "$REPLY" ] || tmux set-option -g @factory-worker-live-set yes \; set-environment -g FACTORY_WORKER_LIVE off
		;;
	*)
		# What was ours to say is taken back.
		if [ -n "$REPLY" ]; then
			tmux set-option -gu @factory-worker-live-set \; set-environment -gu FACTORY_WORKER_LIVE
			unset FACTORY_WORKER_LIVE
		fi
		[ -n "$program" ] && [ "${FACTORY_WORKER_LIVE-}" != off ] || return 0
		(cd / && exec env -u TMUX -u TMUX_PANE -u DISPLAY -u WAYLAND_DISPLAY BROWSER=false \
			"$program" hub --background </dev/null >/dev/null 2>&1) &
		;;
	esac
}

# Binds each key as its option says, and gives back those that were ours before and are no more.
bind_keys() {
	local what default key width height title keys='' chosen='' before
	while read -r what default width height title; do
		option "@factory-worker-$what-key" "$default"
		key=$REPLY
		if [ -n "$key" ] && may_take "$key" "$what" "$keys"; then
			keys="$keys $key"
			chosen="$chosen$what $width $height $title $key$newline"
		fi
	done <<-'END'
		pick W 90% 85% factory-worker
		peek P 90% 85% peek
		dispatch G 80% 70% dispatch
		nudge N 80% 70% nudge
	END
	give_back "$keys "
	while read -r what width height title key; do
		[ -n "$what" ] || continue
		size "$what-width" "$width"
		width=$REPLY
		size "$what-height" "$height"
		bind_key "$key" "$what" "$width" "$REPLY" "$title"
	done <<<"$chosen"
	option @factory-worker-bound ''
	before=$REPLY
	word "${keys# }"
	[ "$REPLY" = "$before" ] || tmux set-option -g @factory-worker-bound "$REPLY"
}

# give_back KEYS: unbinds every key of ours that is none of these. Keys have several names, and tmux lists them by its own: one
# that was chosen by another name goes, too, and is about to be bound again.
give_back() {
	local line form='^bind-key +(-r +)?-T prefix +([^ ]+) '
	while IFS= read -r line; do
		if [[ $line == *"$mark"* && $line =~ $form ]]; then
			plain "${BASH_REMATCH[2]}"
			case $1 in
			*" $REPLY "*) ;;
			*)
				word "$REPLY"
				tmux unbind-key -T prefix -- "$REPLY"
				;;
			esac
		fi
	done <<<"$bindings"
}

# plain KEY: a key as list-keys writes it, without what keeps tmux from reading it as something else.
plain() {
	REPLY=$1
	case $REPLY in
	\\?) REPLY=${REPLY#?} ;;
	[\"\']?*) REPLY=${REPLY#?} REPLY=${REPLY%?} ;;
	esac
	REPLY=${REPLY/\\\\/\\}
}

# may_take KEY WHAT TAKEN: a key that the user chose is taken in any case; a default, which is a letter, gives way to the
# user's own bindings.
may_take() {
	local form="$newline"'bind-key +(-r +)?-T prefix +'"$1 +([^$newline]*)"
	is_set "@factory-worker-$2-key" && return
	case "$3 " in
	*" $1 "*) return 1 ;;
	esac
	! [[ $bindings =~ $form ]] || [[ ${BASH_REMATCH[2]} == *"$mark"* ]]
}

# bind_key KEY WHAT WIDTH HEIGHT TITLE: tmux itself opens the popup, before it looks at the next key: what is typed at once must
# not reach the session below. A popup larger than the terminal, which tmux refuses, gets all of it. The formats hold nothing
# that anybody could choose. A command that fails in if-shell does not keep those behind it from running.
bind_key() {
	local popup width height fits
	if [ -n "$problem" ]; then
		quoted "$plugin/$mark.tmux"
		bind_to "$1" "$2" run-shell -b "${REPLY//[#]/##} #{q:client_name}"
		return
	fi
	quoted "$plugin/$mark-popup.sh"
	popup="-- /bin/sh $REPLY $2"
	quoted "$program"
	popup="$popup $REPLY"
	# 3.2, the first tmux with popups, has none with titles.
	case $version_of_tmux in
	3.2*) ;;
	*) popup="-T ' $5 ' $popup" ;;
	esac
	quoted "$3"
	width=$REPLY
	quoted "$4"
	height=$REPLY
	cells "$3"
	fits="#{&&:#{e|<=:$REPLY,#{client_width}},"
	cells "$4"
	fits="$fits#{e|<=:$REPLY,#{client_height}}}"
	bind_to "$1" "$2" set-environment -F FACTORY_WORKER_AT '#{client_name} #{pane_id}' '\;' run-shell -b -C "$writable" '\;' \
		if-shell -F "$fits" "display-popup -EE -w $width -h $height $popup" "display-popup -EE -w 100% -h 100% $popup" '\;' \
		refresh-client -f read-only
}

# Keys that tmux read in one go with the popup's key wait until the popup is closed, then go to the pane. So the client is
# read-only at that moment; this command, which run-shell puts behind those keys as soon as the popup is there, ends that. What
# comes later is taken in order: keys that tmux has kept since the popup's program has made the client read-only, because it ends
# (src/local/hand_on.rs). Before them, what that program has found on the popup's terminal.
# Naming the key table keeps switch-client from switching anything; it clears ignore-size too.
writable='if-shell -F "##{m:*ignore-size*,##{client_flags}}"
	"switch-client -r -T \"#{key-table}\" ; refresh-client -f ignore-size" "switch-client -r -T \"#{key-table}\"" ;
	if-shell -F "##{@factory-worker-pressed-#{client_pid}}"
	"run-shell -C \"set-option -gu @factory-worker-pressed-#{client_pid} ; ##{@factory-worker-pressed-#{client_pid}}\""'
writable=${writable//$newline$tab/ }

# Where a session is that takes the keys of a view: a worker window that is not down, and has no copy mode of its own open.
seamless='#{&&:#{m:1factory-worker:seamless *,#{@factory-worker-view}#{pane_path}},'
seamless="$seamless#{&&:#{m/r:^(connected|stalled)?\$,#{@factory-worker-state}},#{?pane_in_mode,0,1}}}"
# What enters copy mode there, with the operator's kind of keys: ESC [7731~ or ESC [7732~ (the view binds them, sync.sh).
remote="if-shell -F '#{==:#{mode-keys},vi}' 'send-keys -H 1b 5b 37 37 33 32 7e' 'send-keys -H 1b 5b 37 37 33 31 7e'"

# Makes each key that does nothing but enter copy mode enter the *session's* in a worker window, where the history is. In
# every other window it does what it did. What is bound now is looked at anew, so the user's own changes count.
wrap_copy_mode() {
	local line on commands='' notes='' table_of_notes=''
	option @factory-worker-copy-mode on
	on=$REPLY
	while IFS= read -r line; do
		case $line in
		*copy-mode*) wrapped "$line" "$on" && commands=$commands$REPLY$newline ;;
		esac
	done <<<"$bindings"
	[ -z "$commands" ] || printf '%s' "$commands" | tmux source-file -
}

# wrapped LINE ON: the command that binds one key anew, if it is such a key. LINE is what tmux says of it, with the key
# written as tmux reads it; ON is off to take back what was done.
wrapped() {
	local form='^bind-key +(-r +)?-T ([^ ]+) +("[^ ]*"|'\''[^ ]*'\''|[^ ]+) +(.*)$' ours=factory-worker:seamless repeat table key command flags now
	[[ $1 =~ $form ]] || return
	repeat=${BASH_REMATCH[1]} table=${BASH_REMATCH[2]} key=${BASH_REMATCH[3]} command=${BASH_REMATCH[4]}
	case $table in
	copy-mode | copy-mode-vi) return 1 ;;
	esac
	case $command in
	*"$ours"*) now=wrapped flags=${command##*copy-mode} flags=${flags%\"} ;;
	copy-mode | 'copy-mode -'[euH] | 'copy-mode -'[euH][euH]) now=bare flags=${command#copy-mode} ;;
	*) return 1 ;;
	esac
	case $2 in
	off)
		[ "$now" = wrapped ] || return
		command="copy-mode$flags"
		;;
	*)
		quoted "$seamless"
		command="if-shell -F $REPLY"
		remote_copy_mode "$flags"
		quoted "$REPLY"
		command="$command $REPLY"
		quoted "copy-mode$flags"
		command="$command $REPLY"
		;;
	esac
	note "$key" "$table" "${BASH_REMATCH[4]}"
	# An empty note is one too: 3.8 lists the key for it, with its command.
	if [ -n "$REPLY" ]; then
		quoted "$REPLY"
		repeat="$repeat-N $REPLY "
	fi
	REPLY="bind-key $repeat-T $table $key $command"
}

# remote_copy_mode FLAGS: the same in the session; up a page too when that is asked for.
remote_copy_mode() {
	case $1 in
	*u*) REPLY="$remote ; send-keys PPage" ;;
	*) REPLY=$remote ;;
	esac
}

# note KEY TABLE COMMAND: what list-keys tells people about the key; nothing when there is no note, for which some tmuxes
# show the command.
note() {
	local key table name text
	plain "$1"
	key=$REPLY
	read_notes "$2"
	while read -r table name text; do
		if [ "$table $name" = "$2 $key" ] && [ "$text" != "$3" ]; then
			REPLY=$text
			return
		fi
	done <<<"$notes"
	REPLY=''
}

# read_notes TABLE: sets notes to lines of a table, a key and its note, those of this table among them. From 3.7 on all are asked
# for at once; before, tmux has no other way than table by table.
read_notes() {
	local lines line
	case $version_of_tmux in
	3.[2-6] | 3.[2-6][!0-9]*) ;;
	*)
		[ -n "$notes" ] || notes=$(tmux list-keys -F '#{key_table} #{key_string} #{key_note}')
		return
		;;
	esac
	[ "$1" != "$table_of_notes" ] || return
	table_of_notes=$1 notes='' lines=$(tmux list-keys -N -P '' -T "$1" 2>/dev/null)
	while IFS= read -r line; do
		as_it_is "$line"
		notes="$notes$1 $REPLY$newline"
	done <<<"$lines"
}

# as_it_is TEXT: what tmux has printed, without the backslash that 3.4 puts before each $ with a name behind it.
as_it_is() {
	local rest=$1 before escaped='\\\$[[:alpha:]_{]*'
	REPLY=''
	while [ "$version_of_tmux" = 3.4 ] && [[ $rest == *$escaped ]]; do
		# shellcheck disable=SC2295 # it is a pattern
		before=${rest%%$escaped}
		rest=${rest#"$before"\\} REPLY="$REPLY$before\$" rest=${rest#?}
	done
	REPLY=$REPLY$rest
}

# bind_to KEY WHAT WORD...: the words are one command, or several with \; between them.
bind_to() {
	local what=$2
	word "$1"
	shift 2
	tmux bind-key -T prefix -N "factory-worker: $what" -- "$REPLY" "$@"
}

# size NAME DEFAULT: the option's value, cells or percent. tmux says so when it is neither.
size() {
	option "@factory-worker-$1" ''
	REPLY=${REPLY:-$2}
}

# cells SIZE: how many of the terminal's cells it takes, or 0 when that is not what it says.
cells() {
	case $1 in
	*[!0-9]*) REPLY=0 ;;
	*) REPLY=$1 ;;
	esac
}

# option NAME DEFAULT: the option's value; the default only when it is not set, since an empty value is one too.
option() {
	REPLY=$2
	! is_set "$1" || as_it_is "$(tmux show-options -gqv "$1")"
}

# is_set NAME: whether the option is set, be it to nothing.
is_set() {
	case $settings in
	*"$newline$1 "* | *"$newline$1$newline"*) ;;
	*) return 1 ;;
	esac
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
	word "$1"
	tmux set-option -g @factory-worker-notice "$REPLY"
	if [ -n "$client" ]; then
		# 3.2 takes no client here by mistake, and finds the one that was used last. What it says instead nobody has to read.
		{ tmux display-message -c "$client" -d 5000 "$notice" || tmux display-message -d 5000 "$notice"; } 2>/dev/null || :
	elif [ -n "$(tmux list-clients)" ]; then
		tmux display-message -d 5000 "$notice"
	else
		tmux set-hook -g "$hook" "display-message -d 5000 '$notice' ; set-hook -gu '$hook'"
	fi
}

# absolute PATH: the same file, from any directory.
absolute() {
	case $1 in
	/*) REPLY=$1 ;;
	*) REPLY=$PWD/$1 ;;
	esac
}

# short PATH: as people write it, so that more of it fits on the status line.
short() {
	case ${HOME:+home}$1 in
	home"$HOME"/*) REPLY="~${1#"$HOME"}" ;;
	*) REPLY=$1 ;;
	esac
}

# quoted TEXT: one word for sh, and for tmux's own commands.
quoted() {
	local quote="'" in_word="'\\''"
	REPLY="'${1//$quote/$in_word}'"
}

# word TEXT: one argument for tmux; a semicolon at its end would end the command.
word() {
	case $1 in
	*\;) REPLY="${1%;}\;" ;;
	*) REPLY=$1 ;;
	esac
}

main
