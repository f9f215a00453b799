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

# verify NAME COMMAND…: one step. The command's last line is what there is to say about it.
verify() {
	step=$((step + 1))
	name=$1
	shift
	if "$@" >"$scratch/said" 2>&1; then
		verdict=pass
	else
		verdict=FAIL
		failed=$((failed + 1))
	fi
	printf '%s  %2d  %-40s %s\n' "$verdict" "$step" "$name" "$(grep -v '^$' "$scratch/said" | tail -n 1 | tr -d '\000-\037')"
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

image_built() {
	id=$(of_pod '.items[-1:].status.containerStatuses[0].imageID') && [ -n "$id" ] && of_pod '.items[-1:].spec.containers[0].image'
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
	[ "$(of_pod '.items[-1:].status.phase')" = Running ] && of_pod '.items[-1:].metadata.name'
}

log_says_ready() {
	"$program" worker logs "$worker" | grep '^Worker ready'
}

listed() {
	"$program" list "$worker" --color never >"$scratch/list" && tail -n 1 "$scratch/list" | grep ' running '
}

# The issue may be there already, from the last time.
dispatched() {
	"$program" dispatch "$worker" --project "$project" --issue "$issue" || true
	"$program" list "$worker" --json | grep -iq "\"issue\":${issue}[,}]" && echo "$project#$issue is in the queue"
}

# The first session of the worker.
session() {
	"$program" list "$worker" --json | sed -n 's/.*"sessions":\[{[^]]*"name":"\([^"]*\)".*/\1/p'
}

peeked() {
	"$program" peek "$worker/$(session)" --lines 3 && echo "$worker/$(session)"
}

# In a terminal of its own, until the session's screen shows.
attached() {
	address=$worker/$(session)
	tmux -S "$scratch/tmux.sock" -f /dev/null new-session -d -x 100 -y 30 -s verify -- "$program" attach "$address" || return
	tries=0
	until tmux -S "$scratch/tmux.sock" capture-pane -p -t verify: | grep -q '[^[:space:]]' && "$program" list "$worker" --json | grep -q '"attached":[1-9]'; do
		tries=$((tries + 1))
		[ "$tries" -lt 60 ] || return
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
verify 'status answers' "$program" status "$worker"
verify 'a dispatched issue is in its queue' dispatched
verify 'peek and attach show a session' peeked_and_attached

if [ "$failed" -gt 0 ]; then
	echo "$failed of $step steps failed; deploy/k8s/README.md has causes by symptom"
	exit 1
fi
echo "all $step steps passed"
