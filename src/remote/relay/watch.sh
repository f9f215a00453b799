# shellcheck shell=sh
# Needs: sleep
#
# Tells by itself which sessions there are, as soon as that changes (about.sh, reap.sh and listing.sh come before this). Beside a
# relay, for as long as its standard input is open: the relay has the other end of that, and says who it is first.
#
# What proves is a look, each $every seconds at least. Three times a second is looked, without any process, whether one is worth
# while: a pane that comes or goes is a terminal that does, and a server that has not run since the last look has changed nothing.
#
# There is no client in control mode, which would be told of everything: up to 3.7c tmux writes to one that has not said all of
# who it is, or about a session that has just ended, and the server ends with every session in it (tmux#4980, #5004, #5243; seen
# with 3.3a). A client that waits for a channel is a plain one. On that the hooks of agents announce what they have set.
#
# It tells on standard error, in pieces: a byte, the tag, a letter, a text of at most 400 bytes, a line end. A pipe takes each in one
# go, so nobody's words come between. `L` and a line of the listing, or `+` and its beginning; `.`, tmux's status and the time here:
# that was all of it; `=` and the time: it is as it was; `A`: something was announced.

# piece TEXT
piece() {
	# shellcheck disable=SC2154 # relay.sh sets tag
	printf '\036%s%s\n' "$tag" "$1" >&2
}

# piece_by_piece TEXT: one line of the listing.
piece_by_piece() {
	rest=$1
	while [ "${#rest}" -gt 400 ]; do
		begin=$(printf '%.400s' "$rest")
		piece "+$begin"
		rest=${rest#"$begin"}
	done
	piece "L$rest"
}

# shellcheck disable=SC2154 # load.sh sets newline
look_around() {
	said=$(listing display-message -p '%s #{pid}' \;)
	status=$? first=${said%%"$newline"*}
	now=${first% *} server=${first#* }
	case $now$server in
	'' | *[!0-9]*) now='' server='' ;;
	*) said=${said#"$first"} said=${said#"$newline"} ;;
	esac
	# Where sessions have just changed they may well change again; that there is output is nothing to hurry for.
	gap=900
	found=$said$newline$status
	[ "${found%%those are all*}" = "${told%%those are all*}" ] || gap=300
	if [ "$found" = "$told" ]; then
		piece "=$now"
		return
	fi
	told=$found IFS=$newline
	set -f
	for found in $said; do
		piece_by_piece "$found"
	done
	set +f
	unset IFS
	piece ".$status $now"
}

# pause MILLISECONDS: sets slept; fails when it is time to end. POSIX knows whole seconds only.
pause() {
	slept=$1
	sleep "0.$1" 2>/dev/null || {
		kill -0 "$relay" 2>/dev/null || return
		slept=1000
		sleep 1
	}
	kill -0 "$relay" 2>/dev/null
}

# announced: tells of what is announced, as long as there is a server.
# shellcheck disable=SC2154 # words.sh sets words
announced() {
	client=''
	trap 'kill $client 2>/dev/null; exit' TERM
	while :; do
		eval "exec $words"' -u wait-for "$channel"' </dev/null >/dev/null 2>&1 &
		client=$!
		wait "$client" && piece A && pause 100 || return
	done
}

# ran: sets running to what the server has run since it began; nothing where nobody can say that.
ran() {
	running=''
	[ -z "$server" ] || { read -r running _ <"/proc/$server/schedstat"; } 2>/dev/null
}

# is_due: whether it is time to look. Whoever is busy is looked at about once a second.
# shellcheck disable=SC2154 # relay.sh sets every
is_due() {
	ran
	set -- /dev/pts/*
	elapsed=$((elapsed + slept))
	[ "$elapsed" -ge "$((every * 1000))" ] || [ "$*" != "$terminals" ] || { [ "$elapsed" -ge "$gap" ] && [ "$running" != "$had_run" ]; }
}

looks() {
	told='' server='' listener='' terminals='' had_run='' slept=0 gap=0 elapsed=$((every * 1000))
	while :; do
		if is_due; then
			elapsed=0
			set -- /dev/pts/*
			terminals=$*
			look_around || break
			ran
			had_run=$running
			[ -z "$server" ] || { [ -n "$listener" ] && kill -0 "$listener" 2>/dev/null; } || {
				announced &
				listener=$!
			}
		fi
		pause 300 || break
	done
	[ -z "$listener" ] || kill "$listener" 2>/dev/null
}

# watcher: all of it, until the relay has ended.
watcher() {
	exec 3<&- 4>&-
	read -r relay || return
	# Bytes, not letters, are counted.
	LC_ALL=C
	(
		# Whatever it runs is known as the relay's.
		export FACTORY_WORKER_VIEW="$tag.1"
		looks
	) </dev/null &
	read -r _
	end_clients "$tag" >/dev/null 2>&1
	wait
}
