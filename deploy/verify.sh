#!/bin/sh
# Checks a worker, from its image to an attached session, and says pass or fail for each step.
#
#   verify.sh WORKER [PROJECT ISSUE]
#
# The dispatch is a real one: PROJECT#ISSUE (verify#1 unless you say another) stays in the worker's queue.
# FACTORY_WORKER names the program when it is not on PATH.
set -u

program=${FACTORY_WORKER:-factory-worker}
worker=${1-}
project=${2:-verify}
issue=${3:-1}
failed=0
step=0

if [ -z "$worker" ] || [ "$#" -eq 2 ] || [ "$#" -gt 3 ]; then
	sed -n 's/^#   \(verify.sh .*\)/usage: deploy\/\1/p' "$0" >&2
	exit 2
fi

scratch=$(mktemp -d) || exit 1
trap 'tmux -S "$scratch/tmux.sock" kill-server 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

# verify NAME COMMAND…: one step. The command's last line is what there is to say about it; of one that failed, all its last
# lines, or how it ended when it said nothing.
verify() {
	step=$((step + 1))
	name=$1
	shift
	"$@" >"$scratch/said" 2>&1
	status=$?
	grep -v '^[[:space:]]*$' "$scratch/said" | tr -d '\000-\011\013-\037' >"$scratch/lines"
	if [ "$status" -eq 0 ]; then
		printf 'pass  %2d  %-40s %s\n' "$step" "$name" "$(tail -n 1 "$scratch/lines")"
		return
	fi
	failed=$((failed + 1))
	[ -s "$scratch/lines" ] || echo "it ended with status $status and said nothing" >"$scratch/lines"
	printf 'FAIL  %2d  %s\n' "$step" "$name"
	tail -n 5 "$scratch/lines" | sed 's/^ */          /'
}

# ask ARGUMENT…: factory-worker. What is slow is no failure here: a busy cluster, a busy machine.
ask() {
	"$program" "$@" --timeout 60s
}

# of_worker KEY: what the registry says about the worker.
of_worker() {
	awk -v worker="$worker" -v key="$1:" '
		$1 == "-" { found = $3 == worker }
		found && $1 == key { print $2; exit }
		found && $2 == key { print $3; exit }
	' "$scratch/registry"
}

# cluster ARGUMENT…: kubectl where the worker is.
cluster() {
	set -- "$@" --request-timeout=30s
	[ -z "$namespace" ] || set -- "$@" "--namespace=$namespace"
	[ -z "$context" ] || set -- "$@" "--context=$context"
	[ -z "$kubeconfig" ] || set -- "$@" "--kubeconfig=$kubeconfig"
	kubectl "$@"
}

# of_pod JSONPATH
of_pod() {
	cluster get pods "--selector=app=$deployment" --output="jsonpath={$1}"
}

there_is_a_pod() {
	pods=$(of_pod '.items[*].metadata.name') || return
	[ -n "$pods" ] && return
	echo "there is no pod with the label app=$deployment"
	return 1
}

# Fails with what the cluster says about the worker's pod.
why_not_running() {
	of_pod '.items[-1:].status.phase' && echo
	of_pod '.items[-1:].status.conditions[?(@.status=="False")].message' && echo
	of_pod '.items[-1:].status.containerStatuses[0].state.waiting.reason' && echo
	of_pod '.items[-1:].status.containerStatuses[0].state.waiting.message' && echo
	return 1
}

image_built() {
	there_is_a_pod || return
	id=$(of_pod '.items[-1:].status.containerStatuses[0].imageID') || return
	[ -n "$id" ] || why_not_running || return
	of_pod '.items[-1:].spec.containers[0].image'
}

namespace_there() {
	cluster get namespace "${namespace:-default}" --output=name
}

secret_there() {
	cluster get secret "$deployment-secrets" --output=name && return
	# Who may not read Secrets sees that the container has started, which it does not without its Secret.
	grep -q Forbidden "$scratch/said" && [ -n "$(of_pod '.items[-1:].status.containerStatuses[0].state.running.startedAt')" ] &&
		echo 'the container has started with it'
}

volume_and_deployment_there() {
	cluster get persistentvolumeclaim "$deployment-data" --output=name && cluster get deployment "$deployment" --output=name
}

pod_running() {
	there_is_a_pod || return
	phase=$(of_pod '.items[-1:].status.phase') || return
	[ "$phase" = Running ] || why_not_running || return
	of_pod '.items[-1:].metadata.name'
}

log_says_ready() {
	ask worker logs "$worker" >"$scratch/log" || return
	grep '^Worker ready' "$scratch/log" && return
	echo 'it does not say that; its last lines:'
	tail -n 3 "$scratch/log"
	return 1
}

# A worker that does not answer has a row, too, which says why: list itself has not failed then.
listed() {
	ask list "$worker" --color never >"$scratch/list" || return
	tail -n 1 "$scratch/list" | grep ' running ' || {
		cat "$scratch/list"
		return 1
	}
}

# The issue may be there already, from the last time.
dispatched() {
	ask dispatch "$worker" --project "$project" --issue "$issue" || true
	ask list "$worker" --json >"$scratch/list" || return
	if grep -iq "\"issue\":${issue}[,}]" "$scratch/list"; then
		echo "$project#$issue is in the queue"
	else
		echo "$project#$issue is not in the queue"
		return 1
	fi
}

# The first session of the worker.
session() {
	ask list "$worker" --json | sed -n 's/.*"sessions":\[{[^]]*"name":"\([^"]*\)".*/\1/p'
}

peeked() {
	session=$(session)
	if [ -z "$session" ]; then
		echo 'there is no session to be seen'
		return 1
	fi
	ask peek "$worker/$session" --lines 3 && echo "$worker/$session"
}

# In a terminal of its own, until the session's screen shows.
attached() {
	address=$worker/$session
	tmux -S "$scratch/tmux.sock" -f /dev/null new-session -d -x 100 -y 30 -s verify -- "$program" attach "$address" --timeout 60s || return
	tries=0
	until tmux -S "$scratch/tmux.sock" capture-pane -p -t verify: >"$scratch/screen" && grep -q '[^[:space:]]' "$scratch/screen" && ask list "$worker" --json | grep -q '"attached":[1-9]'; do
		tries=$((tries + 1))
		if [ "$tries" -ge 60 ]; then
			echo "nobody is attached to $address; the window shows:"
			grep '[^[:space:]]' "$scratch/screen"
			return 1
		fi
		sleep 0.5
	done
	tmux -S "$scratch/tmux.sock" kill-server
	echo "$address"
}

peeked_and_attached() {
	peeked && attached
}

if ! "$program" config show >"$scratch/registry" || [ -z "$(of_worker pod)" ]; then
	echo "verify.sh: there is no worker $worker that is a pod; see \`$program config show\`" >&2
	exit 1
fi
deployment=$(of_worker pod)
deployment=${deployment#*/}
namespace=$(of_worker namespace)
context=$(of_worker context)
kubeconfig=$(of_worker kubeconfig)

verify 'the image is built and pulled' image_built
verify 'the namespace is there' namespace_there
verify 'the Secret is there' secret_there
verify 'volume and Deployment are applied' volume_and_deployment_there
verify 'the pod is Running' pod_running
verify 'its log says "Worker ready"' log_says_ready
verify 'list shows it' listed
verify 'status answers' ask status "$worker"
verify 'a dispatched issue is in its queue' dispatched
verify 'peek and attach show a session' peeked_and_attached

if [ "$failed" -gt 0 ]; then
	echo "$failed of $step steps failed; deploy/k8s/README.md has causes by symptom"
	exit 1
fi
echo "all $step steps passed"
