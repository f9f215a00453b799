# shellcheck shell=sh
# Needs: date sleep stty
#
# Types a text into the pane that a session's keys go to, and presses Enter once the text shows there. Arguments: the
# session's name; what it is known by, or nothing; how long each of the two waits may take, in milliseconds. Standard input:
# one line with the end of the text as squeeze prints it, then the text, which is therefore in no process list.
#
# Enter is never pressed blind: it would confirm whatever dialog is open.
#
# The answer: a part `echo` with the terminal's echo mode, then screens: `before`, `pasted` when the text showed,
# `entered` when Enter was sent, `after MS` for each different screen that followed. Each begins with a line of $fields.
# Or `refused WHY`: nothing was typed.
name=$1 known=$2 budget=$3
newline='
'
border='│'
fields='#{pane_id} #{cursor_x} #{cursor_y} #{?cursor_flag,1,0} #{?pane_in_mode,1,0} #{?pane_dead,1,0}'
fields="$fields #{?pane_input_off,1,0} #{window_activity} #{pane_tty}"
why='#{?pane_in_mode,mode,#{?pane_dead,dead,#{?pane_input_off,input-off,}}}'
# The process number keeps two nudges apart.
buffer=factory-worker-nudge-$$
tick=0.1 step=100 waited=0

pause() {
	# POSIX knows whole seconds only.
	sleep "$tick" 2>/dev/null || {
		tick=1 step=1000
		sleep 1
	}
	waited=$((waited + step))
}

# The pane's state and its screen, taken in one go, into $frame; the state alone into $state.
look() {
	frame=$(tm display-message -p -t "$pane" "$fields" \; capture-pane -p -t "$pane")
	state=${frame%%"$newline"*}
}

# field N: one of the first seven words of $state.
field() {
	number=$1
	# shellcheck disable=SC2086 # to be split
	set -- $state
	shift "$((number - 1))"
	printf '%s' "$1"
}

show() {
	mark "$@"
	printf '%s\n' "$frame"
}

# The rows within three of the cursor, all when it is hidden: some programs draw a cursor of their own and leave the
# terminal's anywhere.
near() {
	row=$(field 3) visible=$(field 4) y=-1
	printf '%s\n' "$frame" | while IFS= read -r line; do
		if [ "$y" -ge 0 ] && { [ "$visible" = 0 ] || { [ "$y" -ge $((row - 3)) ] && [ "$y" -le $((row + 3)) ]; }; }; then
			printf '%s\n' "$line"
		fi
		y=$((y + 1))
	done
}

# squeeze WORD…: the words without what separates them and without the box they may be in, so that a text is found
# however it was wrapped.
squeeze() {
	squeezed=
	for word; do
		word=${word#"$border"}
		squeezed=$squeezed${word%"$border"}
	done
}

# occurrences TEXT: how often it is in $squeezed.
occurrences() {
	rest=$squeezed found=0
	while [ "$rest" != "${rest#*"$1"}" ]; do
		rest=${rest#*"$1"}
		found=$((found + 1))
	done
	printf '%s' "$found"
}

# How often the end of the text, and a program's marker for a long paste, show near the cursor.
sightings() {
	# shellcheck disable=SC2046 # to be split
	squeeze $(near)
	printf '%s %s' "$(occurrences "$needle")" "$(occurrences '[Paste')"
}

# more BEFORE NOW: whether one of the two shows more often.
more() {
	[ "${2% *}" -gt "${1% *}" ] || [ "${2#* }" -gt "${1#* }" ]
}

# Whether the terminal itself echoes what is typed: then an echo proves nothing about the program.
echo_mode() {
	mode=unknown
	for word in $(stty -a 2>/dev/null <"$tty"); do
		case $word in
		echo | -echo) mode=$word ;;
		esac
	done
	mark "echo $mode"
}

IFS= read -r needle
find_session "$name" "$known"
# Words of a screen are split, never expanded to file names.
set -f
# shellcheck disable=SC2154 # find_session sets id
pane=$(tm display-message -p -t "$id:" '#{pane_id}')
look
[ -n "$state" ] || finish no-session
[ "$(field 5)" = 0 ] || finish 'refused mode'
[ "$(field 6)" = 0 ] || finish 'refused dead'
[ "$(field 7)" = 0 ] || finish 'refused input-off'
tty=${state##* }
echo_mode
show before "$(date +%s)"
before=$(sightings)

trap 'tm delete-buffer -b "$buffer" 2>/dev/null' EXIT
trap 'exit 1' HUP INT PIPE TERM
tm load-buffer -b "$buffer" - || finish 'refused load'
# Since 3.7 tmux rewrites control characters unless told not to (-S); older ones do not know the flag.
unless "$why" "paste-buffer -S -d -p -r -b $buffer -t $pane" 2>/dev/null ||
	unless "$why" "paste-buffer -d -p -r -b $buffer -t $pane" || finish 'refused paste'
[ -z "$said" ] || finish "refused $said"

# Twice in a row: a screen that is just being redrawn is not taken for one that shows the text.
shows=0
while
	look
	if [ "$(field 5)" = 0 ] && more "$before" "$(sightings)"; then
		shows=$((shows + 1))
	else
		shows=0
	fi
	[ "$shows" -lt 2 ] && [ "$waited" -lt "$budget" ]
do
	pause
done

if [ "$shows" -eq 2 ]; then
	show pasted
	unless "$why" "send-keys -t $pane Enter" && [ -z "$said" ] && mark entered
	last=$frame changed=no same=0 waited=0
	while [ "$waited" -lt "$budget" ] && { [ "$changed" = no ] || [ "$same" -lt 2 ]; }; do
		pause
		look
		if [ "$frame" = "$last" ]; then
			same=$((same + 1))
		else
			show after "$waited"
			last=$frame changed=yes same=0
		fi
	done
	echo_mode
fi
finish
