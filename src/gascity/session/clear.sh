# shellcheck shell=sh
# Forgets the history of the agent's pane. Arguments: the session's name, what it is known by (or nothing).
find_session "$1" "$2"
# shellcheck disable=SC2154 # find_session sets id
tm clear-history -t "$id:" && mark ok
finish
