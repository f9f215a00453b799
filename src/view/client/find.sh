# shellcheck shell=sh
# Needs: tr
#
# Looks for the client of a view, in whatever session it is, and says which one that is (reap.sh comes before this). Arguments:
# what the view's tag and attempt begin with, VIEW. or VIEW.N; `redraw` to make the client draw its screen anew, so that something
# has to come over the view's connection.
attempt=$1 what=$2

# carries PID VIEW: whether it is a process of this attempt, or of all of a view when VIEW ends with a dot.
carries() {
	case $({ tr '\000' '\n' <"/proc/$1/environ"; } 2>/dev/null) in
	*"FACTORY_WORKER_VIEW=$2"*) ;;
	*) return 1 ;;
	esac
}

# A tmux that stands still keeps whoever asks it: who comes after us ends that.
export FACTORY_WORKER_VIEW="${attempt%.*}.0"
# shellcheck disable=SC2154 # tmux is set by the prelude
command -v "$tmux" >/dev/null 2>&1 || finish no-tmux
# shellcheck disable=SC2154 # identity is set by the prelude
clients=$(tm list-clients -F "#{client_pid} #{client_name} $identity #{session_name}")
set -f
IFS='
'
# shellcheck disable=SC2086 # to be split
set -- $clients
unset IFS
for client; do
	carries "${client%% *}" "$attempt" || continue
	client=${client#* }
	[ "$what" != redraw ] || ! tm refresh-client -t "${client%% *}" || mark redrawn
	mark session
	printf '%s\n' "${client#* }"
done
finish
