# shellcheck shell=sh
# Presses keys, by tmux's names for them. Arguments: the session's name, what it is known by (or nothing), the keys. A pane
# that is in a mode leaves it first, since the keys are meant for the agent. The answer: `sent` when tmux took them all,
# `refused WHY` when the pane takes none. It is one command of the server, so that nothing comes between.
find_session "$1" "$2"
shift 2
# shellcheck disable=SC2154 # find_session sets id
said=$(tm if-shell -F -t "$id:" '#{pane_in_mode}' "send-keys -t $id: -X cancel" \; \
	send-keys -t "$id:" -- "$@" \; \
	display-message -p -t "$id:" '#{?pane_dead,refused dead,#{?pane_input_off,refused input-off,sent}}') || finish
finish "${said:-refused no-pane}"
