# shellcheck shell=sh
# Sends Ctrl-C to the pane that a session's keys go to. Argument: the session's name. The answer: `sent` when tmux took
# it, `refused WHY` when nothing was sent.
find_session "$1"
why='#{?pane_in_mode,mode,#{?pane_dead,dead,#{?pane_input_off,input-off,}}}'
# shellcheck disable=SC2154 # find_session sets id
state=$(tm display-message -p -t "$id:" "$why #{pane_id}")
[ -n "$state" ] || finish no-session
[ "${state% *}" = '' ] || finish "refused ${state% *}"
tm send-keys -t "${state#* }" C-c || finish 'refused tmux'
finish sent
