# shellcheck shell=sh
# Needs: cat date sleep touch
#
# Lets the agent begin, and waits until its session is there. Arguments: the session's name, the workspace, for how many
# seconds. The answer: `ready`, or `late`. Everything that it writes goes into a log, which outlives it.
name=$1
touch "$2/.gc-workspace-ready" || finish 'refused touch'
end=$(($(date +%s) + $3))
until tm has-session -t "=$name" 2>/dev/null; do
	[ "$(date +%s)" -lt "$end" ] || finish late
	sleep 0.2 2>/dev/null || sleep 1
done
tm pipe-pane -t "=$name:" -o 'cat >> /tmp/agent-output.log'
finish ready
