# shellcheck shell=sh
# Needs: head sed sleep tr
#
# Ends what attempts of views have left (about.sh comes before this). An attempt's processes carry VIEW.N in their environment, VIEW being the view's tag and
# N higher than that of every attempt before it; nobody else's do. A view is given as VIEW for all its attempts, as VIEW.N for
# those before N.

# tagged: PID:VIEW.N for every process that carries one. All are read in one go, and as lines, since not every grep reads on
# behind a NUL. What reads them is tagged too: self:0.0 and PID:0.0 prove that it could.
tagged() {
	FACTORY_WORKER_VIEW=0.0 head -c 99999999 /proc/self/environ /proc/[0-9]*/environ 2>/dev/null | tr '\000' '\n' |
		sed -n '/^==> /h;/^FACTORY_WORKER_VIEW=/{G;s/.*=\([0-9a-f]*\.[0-9]*\)\n.*proc.\([^/]*\).*/\2:\1/p;}'
}

# is_meant VIEW.N: whether it is of the views in $views.
is_meant() {
	for view in $views; do
		case $view in
		"${1%.*}") return ;;
		"${1%.*}".*) [ "${1##*.}" -ge "${view##*.}" ] || return 0 ;;
		esac
	done
	return 1
}

# is_servers PID: whether it is a tmux server, or below one, that has inherited the tag: somebody's tmux may be a script that
# starts its server first.
# shellcheck disable=SC2154 # about sets program and parent
is_servers() {
	above=$1
	while about "$above"; do
		[ "$program" != 'tmux: server' ] || return 0
		above=$parent
		case $all in
		*" $above:"*) ;;
		*) return 1 ;;
		esac
	done
	return 1
}

# look_for VIEW…: sets found, PID:START:VIEW.N each, and seen, whether processes could be looked into at all.
# shellcheck disable=SC2154 # about sets parent and start
look_for() {
	set +f
	views=$* all=" $(tagged | tr '\n' ' ')" found='' parents=' ' seen=''
	case $all in
	*[0-9]:0.0*) seen=yes ;;
	esac
	for word in $all; do
		pid=${word%%:*} word=${word#*:}
		if is_meant "$word" && ! is_servers "$pid" && about "$pid"; then
			found="$found$pid:$start:$word " parents="$parents$parent "
		fi
	done
}

# is_due NAME PID: whether this signal is for this process. Who waits for another one is not ended before that: it would be left
# to the pod's first process, which may reap nothing. Our own shells catch TERM, which to them means: as soon as what you wait
# for has ended. A shell that waits for nobody is about to end anyway.
# shellcheck disable=SC2154 # about sets program and catches
is_due() {
	[ "$1$catches" != TERM1 ] || return 0
	case $parents in
	*" $2 "*) return 1 ;;
	esac
	[ "$1$program" != TERMsh ]
}

# signal NAME: sends it to what was found, unless its number has become another process's.
signal() {
	for word in $found; do
		pid=${word%%:*} word=${word#*:}
		if about "$pid" && [ "$start" = "${word%%:*}" ] && is_due "$1" "$pid"; then
			kill -"$1" "$pid" 2>/dev/null
		fi
	done
}

# end_clients VIEW…: ends what these have left, in less than a second. Fails when some of it is still there, or nobody can see.
end_clients() {
	round=0
	while look_for "$@" && [ -n "$found" ] && [ "$round" -lt 9 ]; do
		round=$((round + 1))
		if [ "$round" -lt 4 ]; then
			signal TERM
		else
			signal KILL
		fi
		# POSIX knows whole seconds only.
		sleep 0.05 2>/dev/null || { sleep 1 && round=$((round + 3)); }
	done
	[ -z "$found" ] && [ -n "$seen" ]
}
