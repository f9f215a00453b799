# shellcheck shell=sh
# Makes the client of a view draw its screen anew, so that something has to come over the view's connection. Arguments:
# the session's name, the view's tag.
find_session "$1"
# shellcheck disable=SC2154 # find_session sets id
for client in $(tm list-clients -t "$id:" -F '#{client_pid}:#{client_name}'); do
	if grep -qsF "FACTORY_WORKER_VIEW=$2." "/proc/${client%%:*}/environ"; then
		tm refresh-client -t "${client#*:}" && mark poked
	fi
done
finish
