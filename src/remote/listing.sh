# shellcheck shell=sh
# listing [COMMAND… ';']: the sessions of the worker's tmux and their panes, behind what a command says, or what tmux complains of.
#
# A server without sessions has no pane for list-panes to begin at, so that fails there. The line between the two tells that they
# were all listed.
listing() {
	tm "$@" list-sessions -F 'S #{session_id} #{session_windows} #{session_attached} #{session_created} #{session_name}' \; \
		display-message -p 'those are all' \; \
		list-panes -a -F 'P #{session_id} #{window_activity} #{window_active}#{pane_active} #{pane_in_mode}' 2>&1
}
