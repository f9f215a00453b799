# shellcheck shell=sh
# Sends Ctrl-C to the pane that a session's keys go to. Arguments: the session's name, what it is known by (or
# nothing). The answer: `sent` when tmux took it, `refused WHY` when nothing was sent.
find_session "$1" "$2"
why='#{?pane_in_mode,mode,#{?pane_dead,dead,#{?pane_input_off,input-off,}}}'
# shellcheck disable=SC2154 # find_session sets id
pane=$(tm display-message -p -t "$id:" '#{pane_id}')
[ -n "$pane" ] || finish no-session
unless "$why" "send-keys -t $pane C-c" || finish 'refused tmux'
[ -z "$said" ] || finish "refused $said"
finish sent
