# shellcheck shell=sh
# The demo without a person: a tmux of its own is the terminal, so that keys are real key presses and a screen is what
# a person would see, popups included. Sourced by demo.sh.

# terminal ARGUMENT…: the tmux that is the terminal.
terminal() {
	# shellcheck disable=SC2154 # demo.sh has made the directory
	tmux -u -S "$home/terminal.sock" -f /dev/null "$@"
}

# press KEY…: keys by tmux's names.
press() {
	terminal send-keys -t terminal: -- "$@"
}

# write TEXT: typed literally.
write() {
	terminal send-keys -t terminal: -l -- "$1"
}

screen() {
	terminal capture-pane -p -t terminal:
}

# holds SCREEN TEXT…: whether the screen has all of them.
holds() {
	held=$1
	shift
	for text; do
		case $held in *"$text"*) ;; *) return 1 ;; esac
	done
}

# await TEXT…: waits until the screen shows all of them, at most half a minute.
await() {
	tries=0
	until seen=$(screen) && holds "$seen" "$@"; do
		tries=$((tries + 1))
		if [ "$tries" -ge 300 ]; then
			show 'This is not what should be here.'
			printf 'make demo: waited in vain for the screen to show all of:' >&2
			printf ' "%s"' "$@" >&2
			echo >&2
			exit 1
		fi
		sleep 0.1
	done
}

# await_gone TEXT: waits until the screen does not show it any more.
await_gone() {
	tries=0
	while seen=$(screen) && holds "$seen" "$1"; do
		tries=$((tries + 1))
		if [ "$tries" -ge 300 ]; then
			show 'This should be gone.'
			printf 'make demo: waited in vain for "%s" to go\n' "$1" >&2
			exit 1
		fi
		sleep 0.1
	done
}

# show CAPTION: prints the screen that was awaited.
show() {
	rule=$(printf '%*s' 110 '' | tr ' ' -)
	printf '\n%s\n+%s+\n' "$1" "$rule"
	printf '%s\n' "$seen" | sed 's/^/| /'
	printf '+%s+\n' "$rule"
}

drive() {
	# shellcheck disable=SC2154 # demo.sh has set it
	terminal new-session -d -x 110 -y 30 -s terminal -- \
		env -u TMUX -u TMUX_PANE tmux -u -S "$home/operator.sock" -f "$demo/tmux.conf" \
		new-session -s demo -n home "cat '$demo/welcome.txt'; $DEMO_SHELL"
	terminal set -g status off \; set -g prefix None \; set -g escape-time 0
	await 'Three workers run' '$'
	show 'A tmux with the plugin, and nothing else.'

	press "$DEMO_PREFIX" W
	await builder/build asker/agent idler/idle
	show 'Prefix W, pick: every session of every worker, and what the highlighted one shows.'

	write asker
	await_gone idler/idle
	await asker/agent 'Deploy to production?'
	show 'Typing narrows the choice; the preview follows.'

	press Enter
	await_gone 'open>'
	await ' 1 asker/agent ' 'Deploy to production? [y/N]'
	show 'Enter, open: the session is a window of this tmux.'

	write 'not on a Friday'
	press Enter
	await 'You said: not on a Friday'
	show 'What is typed reaches the session.'

	press "$DEMO_PREFIX" P
	await 'asker/agent · Enter open' 'You said: not on a Friday'
	show 'Prefix P, peek: a look without attaching.'
	press Escape
	await_gone 'asker/agent · Enter open'

	press "$DEMO_PREFIX" N
	await 'Nudge asker/agent' 'Enter send'
	write 'still no'
	await '│still no'
	show 'Prefix N, nudge: a form for a prompt.'
	press Enter
	await_gone 'Enter send'
	await 'You said: still no' 'nudged asker/agent'
	show 'It was typed, seen in the session, and sent with Enter; the session took it.'

	press "$DEMO_PREFIX" G
	await 'Dispatch an issue' '< asker >' Project Issue
	write acme/shop
	press Tab
	write 42
	press Tab
	write 'faster checkout'
	await acme/shop 42 'faster checkout'
	show "Prefix G, dispatch: an issue for this window's worker."
	press Enter
	await_gone 'Enter send'
	await 'dispatched acme/shop#42 to asker'
	show 'The worker has put it into its queue.'

	press "$DEMO_PREFIX" 0
	await 'Three workers run'
	write 'factory worker list'
	press Enter
	await 'asker    -    running  agent (attached)' 'acme/shop#42'
	show 'The same for scripts: a table, or --json. The issue is in the queue.'
}
