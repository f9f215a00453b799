# shellcheck shell=sh
# Needs: sh sleep stty
#
# Becomes a client of a session. Before this come terminfo.sh and, as far as they are needed, other scripts (mod.rs says when).
# Arguments: the session's name; terminal types separated by spaces (the first that is known here is used); the features of
# the operator's terminal;
# `again` when what was typed before now must not reach the session; how many seconds ago the view entered it, or nothing when
# another session of that name will do; what the session was known by when the view was in it, or nothing; the whereabouts of
# the sessions that the operator's terminal is shown in, separated by spaces; what the operator's tmux is told about the
# session: `seamless` when its options are the view's, `session` when they are not, or nothing at all; `unasked` when the
# terminal's answer about its size is wrong; the text of session_options.sh, or nothing to leave every option alone; the
# command that gives the terminal its rows and columns, or nothing; the tags of views that have died and may be in the session; `mirror` when it may be
# one of those that the operator's terminal is shown in; then flags for attach-session.
#
# It runs on the operator's terminal, so it says nothing but by its exit status, which proves what kubectl's own exit 0
# does not. It did not attach: 84 a live server has no such session, 85 no server runs, 86 there is no tmux, 87 several
# sessions have that name, 88 there is no terminal type that tmux could use, 89 it is not the session that was entered, 90 the
# terminal is shown in that very session, 94 something else. It did: 95 the client left and the session is there, 96 the client
# was lost, 97 a live server has the session no more (also one that was known before), 98 the same, and another one has its
# name, 99 no server runs any more.
# shellcheck disable=SC2034 # the last line but one of client() uses features
name=$1 types=$2 features=$3 again=$4 entered=$5 known=$6 shown_in=$7 tells=$8 unasked=$9
shift 9
sync=$1 size=$2 left=$3 mirror=$4
shift 4

# no_server TEXT: whether this is how tmux says that no server runs.
# shellcheck disable=SC2317 # finish calls it
no_server() {
	case $1 in
	'no server running on '* | 'error connecting to '*'(No such file or directory)') ;;
	*) return 1 ;;
	esac
}

# refuse STATUS: does not attach. A client that was left is not waited for any more, and may have gone on to another session.
refuse() {
	[ -z "$found" ] || end_clients "$FACTORY_WORKER_VIEW"
	exit "$1"
}

# shellcheck disable=SC2154,SC2317 # find_session calls it, and sets listing
finish() {
	case $1 in
	no-session) refuse 84 ;;
	ended) refuse 97 ;;
	replaced) refuse 98 ;;
	no-tmux) refuse 86 ;;
	ambiguous) refuse 87 ;;
	esac
	! no_server "$listing" || refuse 85
	refuse 94
}

# tell WORD: says to the operator's tmux, which keeps what a terminal is told with OSC 7, how the session takes keys, whose
# client comes, what the session is known by, and `renamed` when it is called otherwise than whoever asked for it believes.
# What runs in the session cannot say that, unless its tmux passes everything on: a client does not pass on this.
# shellcheck disable=SC2154 # find_session sets called and known_by
tell() {
	[ -n "$tells" ] || return 0
	renamed=''
	[ "$called" = "$name" ] || renamed=' renamed'
	printf '\033]7;factory-worker:%s %s %s\033\134' "$1" "$FACTORY_WORKER_VIEW" "$known_by$renamed"
}

# Something that no terminal shows: the other end counts bytes, and knows by so many that we have come this far.
tick() {
	zeros='\0'
	until [ "${#zeros}" -eq 16384 ]; do
		zeros=$zeros$zeros
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

# tmux finds a UTF-8 locale by itself, so it needs none of ours.
choose_terminal() {
	export TERM
	for TERM in $types ${TERM-}; do
		! knows "$TERM" || return 0
	done
	refuse 88
}

# become_ours: the session's options, unless somebody else looks at it.
# shellcheck disable=SC2154 # find_session sets id
become_ours() {
	sh -c "$text" factory-worker "$id" "$text"
}

# hide: the session's options become the view's; where somebody objects, the terminal is told that they are not.
# shellcheck disable=SC2154 # words.sh sets words
hide() {
	text="tm() { $words -u \"\$@\"; }
$sync"
	become_ours || { [ -n "${old# }" ] && become_ours_alone; } || {
		tells=${tells:+session}
		tell "$tells"
		pause
		pause
	}
}

# attach FLAG...: becomes the client.
# shellcheck disable=SC2154 # words.sh sets words
attach() {
	[ -z "$unasked" ] || attach_unasked "$*"
	eval "exec $words"' -u -N -T "$features" attach-session -E "$@" -t "$id"'
}

# The client's process is a child of ours: somebody has to be left to say how it ended.
client() {
	trap 'exit 96' HUP TERM
	[ -z "$again" ] || begin_to_drop_keys
	[ -z "$sync" ] || hide
	[ -z "$found" ] || signal TERM
	[ -z "$again" ] || drop_keys
	attach "$@"
}

# Not before what we wait for: it would be left to the pod's first process.
trap 'exit 96' HUP TERM
# The terminal's size comes a round trip after us, and a client that does not wait for it resizes the session twice. So it is
# brought along: what comes later is the same, and nobody hears of it, unless the window was resized meanwhile: then the view has
# kubectl tell it once more.
$size 2>/dev/null
# What is typed now is thrown away, so it must not look as if the session had taken it.
[ -z "$again" ] || stty -echo 2>/dev/null
# shellcheck disable=SC2086 # tags are words
[ -z "$left" ] || end_clients $left
found='' old=' '
[ "${FACTORY_WORKER_VIEW##*.}" -eq 1 ] || end_older
find_session "$name" "$known" </dev/null >/dev/null
[ -z "$mirror" ] || ! is_mirror || refuse 90
# Whose terminal is shown here is asked by whoever is in the session, of the processes of its clients.
export FACTORY_WORKER_SHOWN_IN="$shown_in"
# One that was known before is this one, or it is not.
[ -z "$entered" ] || [ "$known_by" = "$known" ] || { [ -z "$known" ] && is_same; } || refuse 89
choose_terminal
# A client that starts throws away what was written before and not taken yet (tmux flushes the terminal's output), so the
# terminal is told as if nobody could object, and before the much that it takes longest to take.
tell "$tells"
arrive
(client "$@")
status=$? was=$known_by
# shellcheck disable=SC2317 # find_session calls it
finish() {
	case $1 in
	replaced) exit 98 ;;
	no-session | ended) exit 97 ;;
	esac
	! no_server "$listing" || exit 99
	exit 96
}
find_session "$called" "$was" </dev/null >/dev/null
[ "$known_by" = "$was" ] || exit 98
[ "$status" -eq 0 ] || exit 96
exit 95
