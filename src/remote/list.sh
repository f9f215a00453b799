# shellcheck shell=sh
# Needs: date
#
# Everything a listing wants to know of a worker (listing.sh and bounded.sh come before this). Arguments: seconds the worker's own command
# may take, then that command (for the queue, mostly), or nothing.
seconds=$1
shift
# shellcheck disable=SC2154 # tmux is set by the prelude
if ! command -v "$tmux" >/dev/null 2>&1; then
	finish no-tmux
fi
mark now
date +%s
mark sessions
listing
mark "sessions-end $?"
if [ "$#" -gt 0 ]; then
	mark command
	bounded "$seconds" "$@"
	mark "command-end $?"
fi
finish
