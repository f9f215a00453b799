# shellcheck shell=sh
# What is left of a view: ends its client when that is still attached, then says whether the session is there.
# Arguments: the session's name, the view's tag.
option=@factory-worker-client-$2
client=$(tm show-options -sqv "$option" 2>/dev/null)
if [ -n "$client" ]; then
	tm set-option -su "$option"
	# Only a process that is a client of this very server: the number alone may be somebody else's by now.
	for pid in $(tm list-clients -F '#{client_pid}' 2>/dev/null); do
		[ "$pid" != "$client" ] || {
			mark client-left
			kill -HUP "$pid"
		}
	done
fi
find_session "$1"
finish
