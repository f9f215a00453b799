# shellcheck shell=sh
# The last lines of a session's active pane, with their colours. Arguments: the session's name, how many lines.
find_session "$1"
mark pane
# shellcheck disable=SC2154 # find_session sets id
tm capture-pane -p -e -S "-$2" -t "$id:"
mark "pane-end $?"
finish
