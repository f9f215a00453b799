# shellcheck shell=sh
# Forgets the history of the agent's pane. Argument: the session's name.
find_session "$1"
# shellcheck disable=SC2154 # find_session sets id
tm clear-history -t "$id:" && mark ok
finish
