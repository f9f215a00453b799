# shellcheck shell=sh
# Needs: cat tr
#
# What an attempt has to do with those before it of the same view (reap.sh comes before this, enter.sh behind it).

# end_older: ends what older attempts of this view have left, before anything asks tmux: one that stands still keeps whoever
# asks it. Where all that is left is a client, that may wait until the session's options are this attempt's, too: with the last
# view that it knows, the worker would put everything back, only to change it once more.
# shellcheck disable=SC2154 # look_for sets found and parents
end_older() {
	look_for "$FACTORY_WORKER_VIEW"
	waits=''
	for word in $found; do
		pid=${word%%:*}
		old="$old$pid "
		case $parents in
		*" $pid "*) ;;
		*) is_client "$pid" || waits=yes ;;
		esac
	done
	[ -z "$waits" ] || { end_clients "$FACTORY_WORKER_VIEW" && old=' '; }
	# One that stands still also keeps the pipe that it is asked to write to. Whoever ends us can end who reads from this one.
	tm display-message -p '' 2>&1 </dev/null | cat >/dev/null
}

# is_client PID: whether one of ours that waits for nobody is a session's client.
is_client() {
	case $({ tr '\000' ' ' <"/proc/$1/cmdline"; } 2>/dev/null) in
	*' attach-session '*) ;;
	*) return 1 ;;
	esac
}

# The same when an older attempt, which came when somebody else was there, may be all that is in the way.
become_ours_alone() {
	signal TERM
	pause
	become_ours
}
