# shellcheck shell=sh
# Attaches without tmux asking the terminal for its size (enter.sh comes behind this).

# attach_unasked FLAGS: the same, but tmux does not ask this client's terminal for its size. Since 3.6 it asks a terminal that
# looks like an xterm when the kernel does not know how large a cell is, as in a pod. So this one does not look like that at the
# moment at which tmux looks: it has no XT, and what clears it does not begin with CSI. What tmux then leaves out, focus and extended
# keys, is switched on together with what it never leaves out. No other client is looked at meanwhile: tmux does all commands of
# one call before it turns to anybody else. if-shell, since what stands behind a command that fails is not done.
# shellcheck disable=SC2034,SC2154 # the last line uses them; enter.sh sets the others
attach_unasked() {
	asks='#{?#{m/r:3\.[0-5]([^0-9]|$),#{version}},,1}'
	unlike_xterm='*:XT@:clear=\r\E[H\E[J:Enbp=\E[?2004h#{?focus-events,\E[?1004h,}#{?#{==:#{extended-keys},off},,\E[>4;2m}'
	disguise="set-option -sF 'terminal-overrides[7731]' '$unlike_xterm'"
	enter="attach-session -E $1 -t '$id'"
	reveal="set-option -su 'terminal-overrides[7731]'"
	eval "exec $words"' -u -N -T "$features" if-shell -F "$asks" "$disguise" \; if-shell -F 1 "$enter" \; \
		if-shell -F "$asks" "$reveal"'
}
