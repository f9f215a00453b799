# shellcheck shell=sh
# Ends clients that a broken connection has left (reap.sh and gone.sh come before this), then says whether a session is there.
# Arguments: the session's name, what it is known by (or nothing), the view.
name=$1 known=$2 view=$3
end_clients "$view"
mark_gone "$view"
# A tmux that stands still keeps whoever asks it: who comes after us ends that, too.
export FACTORY_WORKER_VIEW="$view.0"
find_session "$name" "$known"
finish
