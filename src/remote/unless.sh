# shellcheck shell=sh
# unless WHY COMMAND: has tmux do something with $pane, unless the format WHY gives a reason not to there; $said is that reason then.
# Fails when tmux does.
#
# Looking and doing are one command of the server: between two the pane may die, or enter a mode. tmux 3.3a ends, with all of
# its sessions, when something is pasted into a dead pane.
unless() {
	# shellcheck disable=SC2034,SC2154 # of whoever calls this
	said=$(tm if-shell -F -t "$pane" "$1" "display-message -p -t $pane '$1'" "$2")
}
