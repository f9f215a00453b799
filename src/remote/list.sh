# shellcheck shell=sh
# Needs: date
#
# Everything a listing wants to know of a worker (bounded.sh comes before this). Arguments: seconds the worker's own command
# may take, then that command (for the queue, mostly), or nothing.
seconds=$1
shift
# shellcheck disable=SC2154 # word_1 is set by the prelude
if ! command -v "$word_1" >/dev/null 2>&1; then
	finish no-tmux
fi
mark now
date +%s
mark sessions
tm list-sessions -F 'S #{session_id} #{session_windows} #{session_attached} #{session_created} #{session_name}' \; \
	list-panes -a -F 'P #{session_id} #{window_activity} #{window_active}#{pane_active} #{pane_in_mode}' 2>&1
mark "sessions-end $?"
if [ "$#" -gt 0 ]; then
	mark command
	bounded "$seconds" "$@"
	mark "command-end $?"
fi
finish
