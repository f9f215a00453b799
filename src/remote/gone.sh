# shellcheck shell=sh
# Says which views have left nothing any more (reap.sh comes before this).

# is_hidden: whether there may be a client of ours that cannot be looked into, or not even be seen: another user's, mostly.
is_hidden() {
	[ -r /proc/1/stat ] || return 0
	for process in /proc/[0-9]*; do
		{ true <"$process/environ"; } 2>/dev/null && continue
		# shellcheck disable=SC2154 # about sets program
		about "${process#/proc/}" && [ "$program" = 'tmux: client' ] && return 0
	done
	return 1
}

# mark_gone VIEW…: a mark for each that is proven to have left nothing, by what was found last.
mark_gone() {
	# shellcheck disable=SC2154 # look_for sets seen and found
	[ -n "$seen" ] && ! is_hidden || return 0
	for view; do
		# shellcheck disable=SC2154
		case " $found" in
		*":$view."*) ;;
		*) mark "gone $view" ;;
		esac
	done
}
