# shellcheck shell=sh
# Makes the client of a view draw its screen anew, so that something has to come over the view's connection (reap.sh comes
# before this). Arguments: the session's name, what the view's tag and attempt begin with: VIEW. or VIEW.N.
name=$1 attempt=$2
# A tmux that stands still keeps whoever asks it: who comes after us ends that.
export FACTORY_WORKER_VIEW="${attempt%.*}.0"
find_session "$name"
# shellcheck disable=SC2154 # find_session sets id
for client in $(tm list-clients -t "$id:" -F '#{client_pid}:#{client_name}'); do
	if carries "${client%%:*}" "$attempt"; then
		tm refresh-client -t "${client#*:}" && mark redrawn
	fi
done
finish
