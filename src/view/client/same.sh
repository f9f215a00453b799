# shellcheck shell=sh
# Needs: date tr
#
# Whether a session is the one that was entered (older.sh comes before this, enter.sh behind it).

# is_same: whether it may be the session that was entered, of which nothing is known but its name: an older attempt is in it, or
# it was not made after the view had entered one of that name. Only the lengths of time are compared, so it does not matter
# what o'clock it is here and there, and little that a clock is put right.
# shellcheck disable=SC2154 # enter.sh sets old and entered, find_session id
is_same() {
	clients=" $(tm list-clients -t "$id:" -F '#{client_pid}' </dev/null | tr '\n' ' ')"
	for pid in $old; do
		case $clients in
		*" $pid "*) return 0 ;;
		esac
	done
	created=${known_by##* } now=$(date +%s)
	case $created$now in
	*[!0-9]*) return ;;
	esac
	[ "$((now - created + 2))" -ge "$entered" ]
}
