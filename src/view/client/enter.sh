# shellcheck shell=sh
# Needs: cat date dd sed sh sleep stty tr
#
# Becomes a client of a session. Arguments: the session's name; terminal types separated by spaces (the first that is
# known here is used: terminfo.sh comes before this, and reap.sh); the features of the operator's terminal; `again` when what was
# typed before now must not reach the session; how many seconds ago the view entered it, or nothing when another session of
# that name will do; what tells the terminal that the session's options are the view's, and that they are not; the text of
# session_options.sh, or nothing to leave every option alone; the terminal's rows and columns, or nothing; then flags for
# attach-session.
#
# It runs on the operator's terminal, so it says nothing but by its exit status, which proves what kubectl's own exit 0
# does not. It did not attach: 84 a live server has no such session, 85 no server runs, 86 there is no tmux, 87 several
# sessions have that name, 88 there is no terminal type that tmux could use, 89 it is not the session that was entered, 94
# something else. It did: 95 the client left
# and the session is there, 96 the client was lost, 97 a live server has the session no more, 98 the same, and another one
# has its name, 99 no server runs any more.
# shellcheck disable=SC2034 # the last line but one of client() uses features
name=$1 types=$2 features=$3 again=$4 entered=$5 seamless=$6 not_seamless=$7 sync=$8 size=$9
shift 9
newline='
'
escape=$(printf '\033')

# no_server TEXT: whether this is how tmux says that no server runs.
no_server() {
	case $1 in
	'no server running on '* | 'error connecting to '*'(No such file or directory)') ;;
	*) return 1 ;;
	esac
}

# shellcheck disable=SC2317 # find_session calls it
finish() {
	case ${1-} in
	no-session) exit 84 ;;
	no-tmux) exit 86 ;;
	ambiguous) exit 87 ;;
	esac
	# shellcheck disable=SC2154 # find_session sets listing
	! no_server "$listing" || exit 85
	exit 94
}

# end_older: ends what older attempts of this view have left, before anything asks tmux: one that stands still keeps whoever
# asks it. Where all that is left is a client, that may wait until the session's options are this attempt's, too: with the last
# view that it knows, the worker would put everything back, only to change it once more.
end_older() {
	look_for "$FACTORY_WORKER_VIEW"
	waits=''
	for word in $found; do
		pid=${word%%:*}
		old="$old$pid "
		# shellcheck disable=SC2154 # look_for sets parents
		case $parents in
		*" $pid "*) ;;
		*) is_client "$pid" || waits=yes ;;
		esac
	done
	[ -z "$waits" ] || { end_clients "$FACTORY_WORKER_VIEW" && old=' '; }
	# One that stands still also keeps the pipe that it is asked to write to. Whoever ends us can end who reads from this one.
	tm display-message -p '' 2>&1 </dev/null | cat >/dev/null
}

# is_client PID: whether it is a session's client.
is_client() {
	# shellcheck disable=SC2154 # about sets program
	about "$1" && [ "$program" = 'tmux: client' ] && case $({ tr '\000' ' ' <"/proc/$1/cmdline"; } 2>/dev/null) in
	*' attach-session '*) ;;
	*) return 1 ;;
	esac
}

# is_inside: whether some of that is in the session.
is_inside() {
	for pid in $old; do
		case $clients in
		*" $pid "*) return 0 ;;
		esac
	done
	return 1
}

# is_younger: whether the session was made after the view had entered one of its name. Only the lengths of time are
# compared, so it does not matter what o'clock it is here and there, and little that a clock is put right.
is_younger() {
	# shellcheck disable=SC2154 # find_session sets id
	created=$(tm display-message -p -t "$id:" '#{session_created}' </dev/null) now=$(date +%s)
	case $created$now in
	'' | *[!0-9]*) return 1 ;;
	esac
	[ "$((now - created + 2))" -lt "$entered" ]
}

# Something that no terminal shows: the other end counts bytes, and knows by so many that we have come this far.
tick() {
	zeros='\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' times=0
	while [ "$times" -lt 9 ]; do
		times=$((times + 1)) zeros=$zeros$zeros
	done
	# shellcheck disable=SC2059 # that is what it is
	printf "$zeros"
}

arrive() {
	tick
	# It may be said there that we are waited for. What stands there is where the client comes back to at its end.
	[ -n "$again" ] || printf '\r\033[K'
}

pause() {
	# POSIX knows whole seconds only.
	sleep 0.05 2>/dev/null || sleep 1
}

# quote WORD: for sh.
# shellcheck disable=SC2317 # command_line calls it
quote() {
	case $1 in
	*\'*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
	*) printf "'%s'" "$1" ;;
	esac
}

# The terminal's size comes a round trip after us, and a client that does not wait for it resizes the session twice. So it is
# brought along: what comes later is the same, and nobody hears of it.
# shellcheck disable=SC2086 # two numbers
set_size() {
	[ -n "$size" ] && set -- $size && stty rows "$1" cols "$2" 2>/dev/null && return
	tries=0
	while [ "$(stty size 2>/dev/null)" = '0 0' ] && [ "$tries" -lt 40 ]; do
		tries=$((tries + 1))
		pause
	done
}

# Throws away everything that was typed before the terminal comes to read this: it answers a question at its place in
# the stream of keys. From here on keys are the session's, and by so many bytes more the other end knows. The bottom line,
# which says that the connection is down, goes at the same moment. The answer takes a round trip, in which there is enough
# else to do.
begin_to_drop_keys() {
	tick
	modes=$(stty -g 2>/dev/null) || return
	stty raw -echo min 0 time 0
	dd bs=65536 count=1 >/dev/null 2>&1
	stty min 0 time 10
	printf '\0337\033[999;1H\033[2K\0338'
	question=1
	ask
}

# Somebody else may have taken the answer. Each question has one of its own, so that no late one is left for the session.
ask() {
	printf '\0337\033[1;%sH\033[6n\0338' "$question"
}

# A terminal that says nothing for a second has no answer; nobody who goes on typing waits for more than nine questions.
drop_keys() {
	[ -n "$modes" ] || return
	until is_answered "$question" || [ "$question" -eq 9 ]; do
		question=$((question + 1))
		ask
	done
	stty "$modes"
}

# is_answered N: whether it says that the cursor was in column N of the first line, before it is silent for a second. What
# comes behind the answer is the session's, so no more is read than is missing of it.
is_answered() {
	answer="${escape}[1;${1}R" seen='' read=0
	while [ "$read" -lt 200 ] && bytes=$(dd bs="$((6 - ${#seen}))" count=1 2>/dev/null && printf x) && [ "$bytes" != x ]; do
		read=$((read + 1)) seen=$seen${bytes%x}
		[ "$seen" != "$answer" ] || return 0
		# What may still become the answer.
		while [ "${answer#"$seen"}" = "$answer" ] && [ -n "$seen" ]; do
			seen=${seen#?}
		done
	done
	return 1
}

choose_terminal() {
	for type in $types; do
		if knows "$type"; then
			TERM=$type
			export TERM
			break
		fi
	done
	# tmux finds a UTF-8 locale by itself, so it needs none of ours.
	knows "${TERM:-}" || exit 88
}

# The words of the tmux command line, quoted once more for a shell that knows nothing of us.
command_line() {
	i=0
	# shellcheck disable=SC2154 # count is set by the prelude
	while [ "$i" -lt "$count" ]; do
		i=$((i + 1))
		eval "quote \"\$word_$i\""
		printf ' '
	done
}

# become_ours: the session's options, unless somebody else looks at it.
become_ours() {
	sh -c "$text" factory-worker "$self:$id" "$text"
}

# The same when an older attempt, which came when somebody else was there, may be all that is in the way.
become_ours_alone() {
	signal TERM
	pause
	become_ours
}

# hide: the session's options become the view's, and the terminal is told. A client that starts throws away what was
# written right before (tmux flushes the terminal's output), so it is told first when nobody is there who could object;
# it falls back to its own copy mode when it has not heard.
hide() {
	{ read -r self _ </proc/self/stat; } 2>/dev/null || self=$(exec sh -c 'printf %s "$PPID"')
	text="tm() { $(command_line)-u \"\$@\"; }$newline$sync"
	others=''
	# What is about to be ended objects to nothing.
	for pid in $clients; do
		case $old in
		*" $pid "*) ;;
		*) others=yes ;;
		esac
	done
	[ -n "$others" ] || printf '%s' "$seamless"
	if ! become_ours && { [ -z "${old# }" ] || ! become_ours_alone; }; then
		seamless=$not_seamless
	elif [ -z "$others" ]; then
		return
	fi
	printf '%s' "$seamless"
	pause
	pause
}

# The client's process is a child of ours: somebody has to be left to say how it ended.
client() {
	trap 'exit 96' HUP TERM
	[ -z "$again" ] || begin_to_drop_keys
	[ -z "$sync" ] || hide
	signal TERM
	set_size
	[ -z "$again" ] || drop_keys
	# shellcheck disable=SC2154 # the prelude sets words
	eval "exec $words"' -u -N -T "$features" attach-session -E "$@" -t "$id"'
}

# there: whether the session is there, by its id; 1 when a live server lacks it, 3 when no server runs, 2 when tmux does
# not say.
there() {
	said=$(tm has-session -t "$id" 2>&1 </dev/null) && return
	case $said in
	"can't find session"*) return 1 ;;
	esac
	no_server "$said" && return 3
	return 2
}

# Not before what we wait for: it would be left to the pod's first process.
trap 'exit 96' HUP TERM
# What is typed now is thrown away, so it must not look as if the session had taken it.
[ -z "$again" ] || stty -echo 2>/dev/null
# shellcheck disable=SC2086 # tags are words
[ -z "${FACTORY_WORKER_LEFT-}" ] || end_clients $FACTORY_WORKER_LEFT
unset FACTORY_WORKER_LEFT
found='' old=' '
[ "${FACTORY_WORKER_VIEW##*.}" -eq 1 ] || end_older
find_session "$name" </dev/null >/dev/null
clients=" $(tm list-clients -t "$id:" -F '#{client_pid}' </dev/null | tr '\n' ' ')"
[ -z "$again" ] || is_inside || [ -z "$entered" ] || ! is_younger || exit 89
choose_terminal
arrive
(client "$@")
status=$?
there
case $status,$? in
0,0) exit 95 ;;
*,1) ;;
*,3) exit 99 ;;
*) exit 96 ;;
esac
# shellcheck disable=SC2317 # find_session calls it
finish() {
	[ -n "${1-}" ] || no_server "$listing" || exit 96
	[ -n "${1-}" ] || exit 99
	exit 97
}
find_session "$name" </dev/null >/dev/null
exit 98
