# shellcheck shell=sh
# Makes the client of a view draw its screen anew, so that something has to come over the view's connection (reap.sh comes
# before this). Arguments: the session's name, the view.
name=$1 view=$2
# A tmux that stands still keeps whoever asks it: who comes after us ends that.
export FACTORY_WORKER_VIEW="$view.0"
find_session "$name"
# shellcheck disable=SC2154 # find_session sets id
for client in $(tm list-clients -t "$id:" -F '#{client_pid}:#{client_name}'); do
	if carries "${client%%:*}" "$view."; then
		tm refresh-client -t "${client#*:}" && mark redrawn
	fi
done
finish
