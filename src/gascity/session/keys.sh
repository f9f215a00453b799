# shellcheck shell=sh
# Presses keys, by tmux's names for them. Arguments: the session's name, the keys. A pane that is in a mode leaves it first,
# since the keys are meant for the agent. The answer: `sent` when tmux took them all.
find_session "$1"
shift
# shellcheck disable=SC2154 # find_session sets id
tm if-shell -F -t "$id:" '#{pane_in_mode}' "send-keys -t $id: -X cancel"
tm send-keys -t "$id:" -- "$@" && mark sent
finish
