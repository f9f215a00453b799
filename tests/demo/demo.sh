#!/bin/sh
# `make demo`: three local workers and a throw-away tmux with the plugin. On a terminal it is yours, with the picker open;
# otherwise it presses the keys itself, prints what a person would see, and fails when that is not what it should be.
# Nothing is left behind: HOME, state, sockets and processes are all in one temporary directory.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
demo=$root/tests/demo

build() {
	echo 'Building factory-worker …'
	built=$(cargo build --locked --manifest-path "$root/Cargo.toml" --message-format=json-render-diagnostics)
	DEMO_BIN=$(printf '%s\n' "$built" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
}

# A home of its own: no file of the user's is read or written from here on.
move_out() {
	home=$(mktemp -d /tmp/factory-demo.XXXXXX)
	trap clean_up EXIT
	trap 'exit 130' HUP INT TERM
	nested=${TMUX-}
	unset TMUX TMUX_PANE FACTORY_WORKERS KUBECONFIG XDG_STATE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
	mkdir "$home/bin" "$home/.factory"
	# Its hub is not the one of whoever tries it.
	mkdir -m 700 "$home/run"
	ln -s "$DEMO_BIN" "$home/bin/factory-worker"
	ln -s "$demo/factory" "$home/bin/factory"
	export HOME="$home" XDG_RUNTIME_DIR="$home/run" PATH="$home/bin:$PATH" DEMO_BIN DEMO_ROOT="$root"
	export DEMO_SHELL="exec bash --noprofile --rcfile '$demo/bashrc' -i" DEMO_PREFIX=C-b
	# The prefix of the tmux that we are in would never get here.
	[ -z "$nested" ] || DEMO_PREFIX=C-a
}

clean_up() {
	factory-worker hub stop >/dev/null 2>&1 || true
	for socket in "$home"/*.sock "$home"/workers/*/tmux.sock; do
		[ ! -S "$socket" ] || tmux -S "$socket" kill-server 2>/dev/null || true
	done
	# A view that is just ending still asks its worker something, and would make the directory again.
	tries=0
	while pids=$(left) && [ "$pids" ]; do
		tries=$((tries + 1))
		# shellcheck disable=SC2086 # one word per process
		[ "$tries" -ne 50 ] || kill -KILL $pids 2>/dev/null || true
		[ "$tries" -lt 60 ] || break
		sleep 0.1
	done
	rm -rf "$home"
}

# left: the ids of our processes: those that have the temporary directory in their environment.
left() {
	env -i PATH=/usr/bin:/bin grep -lsF "$home" /proc/[0-9]*/environ | env -i PATH=/usr/bin:/bin sed 's|[^0-9]||g'
}

# worker NAME SESSION PROGRAM
worker() {
	directory=$home/workers/$1
	mkdir -p "$directory"
	printf '  - name: %s\n    local: %s\n' "$1" "$directory" >>"$home/.factory/workers.yaml"
	tmux -u -S "$directory/tmux.sock" -f /dev/null new-session -d -x 100 -y 30 -c "$directory" -s "$2" -- "$demo/sessions/$3" --
}

start_workers() {
	# A session that has been quiet for three seconds is idle: a demo is short.
	printf 'active: 3s\nworkers:\n' >"$home/.factory/workers.yaml"
	worker builder build build.sh
	worker asker agent ask.sh
	worker idler idle idle.sh
}

# operator ARGUMENT…: the tmux of the person at the keyboard.
operator() {
	tmux -u -S "$home/operator.sock" -f "$demo/tmux.conf" "$@"
}

# The picker opens as if its key had been pressed, once.
hand_over() {
	hook='client-attached[90]'
	operator new-session -d -s demo -n home "cat '$demo/welcome.txt'; $DEMO_SHELL"
	operator set-hook -g "$hook" \
		"set-hook -gu '$hook' ; run-shell -b \"'$DEMO_BIN' popup pick --client #{q:client_name} --pane #{q:pane_id}\""
	operator attach-session -t demo
	echo 'The demo is gone, and nothing of it is left. To keep factory-worker: make install'
}

build
move_out
start_workers
if [ -t 0 ] && [ -t 1 ]; then
	hand_over
else
	# shellcheck source=tests/demo/drive.sh
	. "$demo/drive.sh"
	drive
fi
