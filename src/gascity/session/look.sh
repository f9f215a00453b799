# shellcheck shell=sh
# What tmux knows of the session. Arguments: the session's name, what it is known by (or nothing), a format. The answer: `seen`
# with a line for each window.
find_session "$1" "$2"
mark seen
# shellcheck disable=SC2154 # find_session sets id
tm list-windows -t "$id:" -F "$3"
mark "status $?"
finish
