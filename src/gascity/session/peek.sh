# shellcheck shell=sh
# What the agent's pane shows. Arguments: the session's name, what it is known by (or nothing), the line to begin
# with (`-N`, or `-` for all of the history).
find_session "$1" "$2"
mark pane
# shellcheck disable=SC2154 # find_session sets id
tm capture-pane -p -S "$3" -t "$id:"
mark "status $?"
finish
