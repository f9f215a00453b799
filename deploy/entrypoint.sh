#!/bin/bash
# The first program of a worker: makes everything ready, starts the sessions, keeps them going, ends them politely.
#
#   entrypoint.sh                          what the container runs
#   entrypoint.sh session NAME [COMMAND]   what runs in a session: the command (or a shell), again and again
#
# Settings, all optional:
#   FACTORY_DOCKER        off | on | required: start a Docker daemon; required means not without it      (off)
#   FACTORY_DOCKER_WAIT   seconds for the daemon to answer                                              (30)
#   FACTORY_SESSIONS      a session per line, NAME=COMMAND, or NAME alone for a shell
#   FACTORY_PAUSE         seconds between the end of a session's command and its next start             (60)
#   FACTORY_GRACE         seconds that sessions have to end when the worker is stopped                  (30)
#   FACTORY_SSH_KEY       a private key for git over SSH, used when the file is there
#   GH_TOKEN or GITHUB_TOKEN, GH_USER, CLAUDE_CODE_OAUTH_TOKEN: from the worker's Secret
set -u
export LC_ALL=C.UTF-8

self=$(readlink -f "$0")
data=$HOME/.factory
names=()
commands=()
dockerd=
said=
why=

say() {
	printf '%s\n' "$*"
}

die() {
	say "$*"
	exit 1
}

# quote_error TEXT: the last line that a program said, without anything that is secret or moves a cursor.
quote_error() {
	local line secret
	line=$(printf '%s\n' "$1" | grep -v '^[[:space:]]*$' | tail -n 1 | tr -d '\000-\037\177')
	for secret in "${GH_TOKEN-}" "${GITHUB_TOKEN-}" "${CLAUDE_CODE_OAUTH_TOKEN-}"; do
		[[ -z $secret ]] || line=${line//"$secret"/[secret]}
	done
	printf '%s' "${line:-it said nothing}"
}

# pause SECONDS: a sleep that a signal ends at once.
pause() {
	sleep "$1" &
	wait $!
}

# attempt COMMAND…: runs it such that a signal ends the waiting at once; what it says is in $said.
attempt() {
	local status
	"$@" <&0 >"$runtime/said" 2>&1 &
	wait $!
	status=$?
	said=$(<"$runtime/said")
	return "$status"
}

# whole_seconds NAME: ends the worker with the reason when a setting is no number of seconds. Else the mistake would show
# when it is too late: sessions that do not pause, an end without its grace.
whole_seconds() {
	local value=${!1-}
	[[ -z $value || $value =~ ^[0-9]{1,6}$ ]] || die "$1 is ${value@Q}; it is a number of seconds."
}

# ---- Docker

start_docker() {
	case ${FACTORY_DOCKER:-off} in
	off)
		say 'Docker is off.'
		return
		;;
	on | required) ;;
	*) die "FACTORY_DOCKER is ${FACTORY_DOCKER@Q}; it is off, on or required." ;;
	esac
	nest_cgroups
	dockerd >"$runtime/dockerd.log" 2>&1 &
	dockerd=$!
	if wait_for_docker "${FACTORY_DOCKER_WAIT:-30}"; then
		say 'Docker ready.'
		return
	fi
	stop_docker
	[[ $FACTORY_DOCKER != required ]] || die "Docker is not ready: $why. FACTORY_DOCKER is required, so nothing starts."
	say "Docker is not ready: $why. Going on without it."
}

# wait_for_docker SECONDS: until the daemon answers; $why says why it does not.
wait_for_docker() {
	local end=$((SECONDS + $1))
	until attempt timeout 5 docker info </dev/null; do
		if ! kill -0 "$dockerd" 2>/dev/null; then
			why="dockerd has ended: $(docker_said)"
			return 1
		elif ((SECONDS >= end)); then
			why="no answer within $1 s: $(docker_said)"
			return 1
		fi
		pause 0.2
	done
}

docker_said() {
	quote_error "$(<"$runtime/dockerd.log")"
}

# A cgroup (version 2) that holds processes cannot hand its controllers down, so ours move into one below. Where we see the
# node's cgroups instead of our own, nothing is ours to move.
nest_cgroups() {
	local root=/sys/fs/cgroup pid controllers
	[[ $(</proc/self/cgroup) == 0::/ ]] || return 0
	[[ -w $root/cgroup.procs && -w $root/cgroup.subtree_control ]] || return 0
	mkdir -p "$root/init" || return 0
	while read -r pid; do
		echo "$pid" >"$root/init/cgroup.procs"
	done <"$root/cgroup.procs"
	read -r controllers <"$root/cgroup.controllers"
	echo "+${controllers// / +}" >"$root/cgroup.subtree_control"
} 2>/dev/null

stop_docker() {
	local end=$((SECONDS + 15))
	[[ $dockerd ]] || return 0
	kill -TERM "$dockerd" 2>/dev/null
	while kill -0 "$dockerd" 2>/dev/null && ((SECONDS < end)); do
		sleep 0.1
	done
	kill -KILL "$dockerd" 2>/dev/null
	wait "$dockerd" 2>/dev/null
	dockerd=
}

# ---- GitHub and git

# For attempt. gh refuses to keep a token while there is one in its environment.
gh_alone() {
	exec env -u GH_TOKEN -u GITHUB_TOKEN timeout 30 gh "$@"
}

# For attempt: gh as sessions run it, with the token that is in their environment.
gh_in_session() {
	exec timeout 30 gh "$@"
}

log_in_to_github() {
	local token=${GH_TOKEN:-${GITHUB_TOKEN-}} failed='GitHub CLI is not authenticated' gh=gh_alone
	if [[ -z $token ]]; then
		say "$failed: neither GH_TOKEN nor GITHUB_TOKEN is set."
		return
	elif ! command -v gh >/dev/null; then
		say "$failed: there is no gh in this image."
		return
	fi
	# printf is part of the shell, so the token is among no process's arguments.
	if ! attempt gh_alone auth login --hostname github.com --git-protocol https --with-token < <(printf '%s\n' "$token"); then
		# gh wants read:org before it keeps a token. Our work needs repo and workflow only, and sessions have the token anyway.
		if [[ $said != *'missing required scope'* ]]; then
			say "$failed: $(quote_error "$said")"
			return
		fi
		gh=gh_in_session
	fi
	if attempt "$gh" api user --jq .login </dev/null; then
		say "GitHub CLI authenticated as: $(quote_error "$said")"
		attempt "$gh" auth setup-git --hostname github.com </dev/null ||
			say "git has no credential helper: $(quote_error "$said")"
	else
		say "$failed: $(quote_error "$said")"
	fi
}

set_up_git() {
	local user=${GH_USER:-taintfactory-bot}
	if ! git_config user.name "$user" || ! git_config user.email "$user@users.noreply.github.com"; then
		say "Git has no identity: $(quote_error "$said")"
		return
	fi
	say "Git identity: $user <$user@users.noreply.github.com>"
	if [[ -r ${FACTORY_SSH_KEY-} ]]; then
		git_config core.sshCommand "ssh -i '$FACTORY_SSH_KEY' -o IdentitiesOnly=yes \
-o StrictHostKeyChecking=accept-new -o UserKnownHostsFile='$data/known_hosts'"
		say 'Git has an SSH key.'
	fi
}

git_config() {
	attempt git config --global "$1" "$2" </dev/null
}

# ---- The data directory

# A volume that cannot be written ends the worker, so that it does not look well. A full one does not: it can be cleared
# from within only.
prepare_data() {
	local probe=$data/.factory-worker-probe said
	if ! said=$({ mkdir -p "$data" && head -c 65536 /dev/zero >"$probe" && rm -f "$probe"; } 2>&1); then
		rm -f "$probe" 2>/dev/null
		case $said in
		*'No space left'* | *'quota exceeded'*)
			say "WARNING: the volume at $data is full. Remove something in a session: nothing can be saved."
			;;
		*'Read-only file system'*) die "The volume at $data is read-only; see the node's log, and restart the worker." ;;
		*'Permission denied'*) die "The volume at $data is not writable for uid $(id -u); set fsGroup in the pod's securityContext." ;;
		*) die "The volume at $data cannot be used: $(quote_error "$said")" ;;
		esac
	fi
	# A new file system has one entry.
	if [[ -n $(find "$data/" -mindepth 1 -maxdepth 1 ! -name lost+found -print -quit 2>/dev/null) ]]; then
		say "Data directory: $data (with data of before)"
	else
		say "Data directory: $data (empty)"
	fi
}

# ---- Sessions

# tmux, without the one key of the Secret that no program should have in its environment.
tmux_here() {
	env -u ssh-privatekey tmux -u "$@"
}

read_sessions() {
	local line name default
	default=$'orchestrator=factory orchestrator check-in\ndev'
	while IFS= read -r line; do
		line=${line#"${line%%[![:space:]]*}"}
		[[ $line && $line != '#'* ]] || continue
		name=${line%%=*}
		if ! [[ $name =~ ^[A-Za-z0-9_-]+$ ]]; then
			die "FACTORY_SESSIONS: ${name@Q} is no name; letters, digits, - and _ are."
		fi
		names+=("$name")
		[[ $line == *=* ]] && commands+=("${line#*=}") || commands+=('')
	done <<<"${FACTORY_SESSIONS:-$default}"
}

start_session() {
	tmux_here new-session -d -s "$1" -c "$HOME" -- "$self" session "$1" "$2"
}

# The tmux server keeps the environment that it is started with; who execs into the container has only the container's.
start_sessions() {
	local at
	if tmux_here kill-server 2>/dev/null; then
		say 'A tmux server was here before its environment was ready; it was ended.'
	fi
	# The server stays when its last session ends: whoever asks it is told that there is none.
	tmux_here start-server ';' set-option -s exit-empty off
	tmux_here set-hook -g 'session-closed[7700]' 'wait-for -S factory-worker-session'
	for at in "${!names[@]}"; do
		start_session "${names[at]}" "${commands[at]}" || die "Session ${names[at]} cannot be started."
	done
}

# Wait for something to end, and start it again.
supervise() {
	local at
	while :; do
		# Wakes when a session has closed, and now and then anyway.
		timeout 30 tmux -u wait-for factory-worker-session 2>/dev/null &
		wait $!
		tmux_here show-options -s exit-empty >/dev/null 2>&1 || say 'The tmux server has ended.'
		for at in "${!names[@]}"; do
			tmux_here has-session -t "=${names[at]}" 2>/dev/null && continue
			say "Session ${names[at]} has ended; it is started again."
			if ! tmux_here show-options -s exit-empty >/dev/null 2>&1; then
				start_sessions
				break
			fi
			start_session "${names[at]}" "${commands[at]}"
		done
		if [[ $dockerd ]] && ! kill -0 "$dockerd" 2>/dev/null; then
			say "Docker has ended: $(quote_error "$(<"$runtime/dockerd.log")")"
			dockerd=
		fi
		pause 1
	done
}

# What runs in a session.
session() {
	local name=$1 command=${2-} pause=${FACTORY_PAUSE:-60} status
	# Ctrl-C is for the command; a trap, unlike an ignored signal, is not inherited by it.
	trap : INT
	[[ $command ]] || pause=1
	while [[ ! -e $FACTORY_RUNTIME/ending ]]; do
		if [[ $command ]]; then
			bash -c "$command"
		else
			"${SHELL:-/bin/bash}"
		fi
		status=$?
		[[ ! -e $FACTORY_RUNTIME/ending ]] || break
		# A command that was killed may have left the terminal as it needed it.
		stty sane
		printf '\033[?1049l\033[?1000;1002;1003;1004;1006;2004;2031l\033[>4m\033[?25h\033[m\n'
		printf '[%s: exit %s at %(%H:%M:%S)T; again in %s s, or at once with Enter]\n' "$name" "$status" -1 "$pause"
		read -r -t "$pause"
	done
	# With us the terminal would go, and whatever a command has left behind to save its work. We go with the tmux server.
	printf '[%s: the worker is stopping]\n' "$name"
	# Nobody writes to this pipe.
	exec <> <(:)
	while :; do
		read -r -t 3600
	done
}

# ---- The end

# Ask what runs in the sessions to end: those that were there when the end began, each once. True while there is something to
# wait for, asked or not: what has begun since saves somebody's work.
#
# A shell that catches SIGTERM is asked at once, since it heeds it when what it runs has ended. Any other would end at once, and
# with it what it had still to run; so it is asked when it runs nothing, or when it has begun three things since the end did: then
# it is a loop. The first process of a session is asked when it runs nothing, for its terminal goes with it.
#
# Not asked and not waited for is what goes with the tmux server: our own loops, and what ignored SIGTERM when the end began, as
# a shell at its prompt does.
ask_to_end() {
	local -A leader=() children=() catches=() command=()
	local pid parent sid state ignored caught name
	while read -r pid; do
		leader[$pid]=1
	done < <(tmux_here list-panes -a -F '#{pane_pid}' 2>/dev/null)
	while read -r pid parent sid state ignored caught name; do
		[[ ${leader[$sid]-} && $state != Z* && ! ${deaf[$pid]-} ]] || continue
		[[ $pid != "$sid" || $name != entrypoint.sh ]] || continue
		if [[ ! $looked ]] && ((0x${ignored#<} & 0x4000)); then
			deaf[$pid]=1
			continue
		fi
		children[$parent]+=" $pid"
		command[$pid]=$name
		((!(0x${caught#<} & 0x4000))) || catches[$pid]=1
		[[ $looked ]] || to_ask[$pid]=1
	done < <(ps -e -o pid=,ppid=,sess=,stat=,ignored=,caught=,comm=)
	looked=1
	for pid in "${!to_ask[@]}"; do
		if [[ ${command[$pid]-} =~ ^(ba|da|z|fi|)sh$ && ! ${catches[$pid]-} ]]; then
			goes_on "$pid" "${children[$pid]-}" "${leader[$pid]-}" && continue
		fi
		unset "to_ask[$pid]"
		[[ ! ${command[$pid]-} ]] || kill -TERM "$pid" 2>/dev/null
	done
	there=("${!command[@]}")
	((${#there[@]}))
}

# goes_on SHELL CHILDREN LEADER: whether a shell runs something, and is no loop.
goes_on() {
	[[ $2 ]] || return 1
	if [[ $2 != "${ran[$1]-}" ]]; then
		[[ ! ${ran[$1]-} ]] || begun[$1]=$((${begun[$1]-0} + 1))
		ran[$1]=$2
	fi
	[[ $3 ]] || ((${begun[$1]-0} < 3))
}

end() {
	local grace=${FACTORY_GRACE:-30} until looked='' there=() pid
	local -A to_ask=() deaf=() ran=() begun=()
	trap '' TERM INT
	say "Stopping: sessions have $grace s to end."
	: >"$runtime/ending"
	until=$((SECONDS + grace))
	while ask_to_end; do
		if ((SECONDS >= until)); then
			say 'Some sessions did not end in time.'
			break
		fi
		sleep 0.1
	done
	tmux_here kill-server 2>/dev/null
	for pid in "${there[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	stop_docker
	# shellcheck disable=SC2046 # one word per process
	kill $(jobs -p) 2>/dev/null
	rm -rf "$runtime"
	say 'Stopped.'
	exit 0
}

if [[ ${1-} == session ]]; then
	shift
	session "$@"
fi

# A token that was kept with the line end behind it is refused with it, and would be shown without it.
for name in GH_TOKEN GITHUB_TOKEN CLAUDE_CODE_OAUTH_TOKEN GH_USER; do
	[[ ! -v $name ]] || export "$name=${!name%"${!name##*[![:space:]]}"}"
done
runtime=$(mktemp -d) || die 'There is no room for temporary files.'
export FACTORY_RUNTIME=$runtime
trap end TERM INT
for setting in FACTORY_DOCKER_WAIT FACTORY_PAUSE FACTORY_GRACE; do
	whole_seconds "$setting"
done
read_sessions
start_docker
log_in_to_github
set_up_git
prepare_data
[[ ${CLAUDE_CODE_OAUTH_TOKEN-} ]] || say 'CLAUDE_CODE_OAUTH_TOKEN is not set: agents will ask for a login.'
command -v factory >/dev/null || say 'There is no factory command in this image: sessions that need it will say so.'
start_sessions
printf -v list ', %s' "${names[@]}"
say "Worker ready. Sessions: ${list:2}"
supervise
