# shellcheck shell=sh
# The last lines of a session's active pane, with their colours. Arguments: the session's name, what it is known by (or
# nothing), how many lines.
#
# A name of letters, digits, _ and - can be nothing but a name, so tmux itself may find it, exactly: one process less.
case $2$1 in
*[!A-Za-z0-9_-]*) find_session "$1" "$2" ;;
*) id="=$1" ;;
esac
mark pane
tm capture-pane -p -e -S "-$3" -t "$id:"
status=$?
# Says why, when it is not there.
[ "$status" -eq 0 ] || find_session "$1" "$2"
mark "pane-end $status"
finish
