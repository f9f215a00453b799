# shellcheck shell=sh
# Needs: sleep
#
# Types a text into the agent's pane and presses Enter. Arguments: the session's name, what it is known by (or nothing).
# Standard input: the text, which is therefore in no process list. A pane that is in a mode leaves it first, since Enter would
# not reach the agent from there.
# The answer: `typed` and `sent`, or `refused WHY` in place of what was not done.
#
# Enter comes when the text has had its effect on the screen, or after a second.
find_session "$1" "$2"
buffer=factory-worker-gc-$$
# shellcheck disable=SC2154 # find_session sets id
pane=$(tm display-message -p -t "$id:" '#{pane_id}')
[ -n "$pane" ] || finish 'refused no-pane'
why='#{?pane_dead,dead,#{?pane_input_off,input-off,}}'
leave="if-shell -F -t $pane '#{pane_in_mode}' 'send-keys -t $pane -X cancel'"
trap 'tm delete-buffer -b "$buffer" 2>/dev/null' EXIT
trap 'exit 1' HUP INT PIPE TERM
tm load-buffer -b "$buffer" - || finish 'refused load'
before=$(tm capture-pane -p -t "$pane")
# Since 3.7 tmux rewrites control characters unless told not to (-S); older ones do not know the flag.
unless "$why" "$leave ; paste-buffer -S -d -p -r -b $buffer -t $pane" 2>/dev/null ||
	unless "$why" "$leave ; paste-buffer -d -p -r -b $buffer -t $pane" || finish 'refused paste'
[ -z "$said" ] || finish "refused $said"
mark typed
tick=0
while [ "$tick" -lt 10 ] && [ "$(tm capture-pane -p -t "$pane")" = "$before" ]; do
	sleep 0.1 2>/dev/null || {
		sleep 1
		tick=10
	}
	tick=$((tick + 1))
done
unless "$why" "$leave ; send-keys -t $pane Enter" || finish 'refused enter'
[ -z "$said" ] || finish "refused $said"
finish sent
