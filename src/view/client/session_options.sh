# shellcheck shell=sh
# Needs: sleep
#
# Makes the options of the sessions fit who looks at them. Arguments: none; or, from the process that is about to become a
# session's client (enter.sh), the session's id and this very text, to be kept for the hooks. Exit 3: somebody else is there, so nothing was changed.
#
# The worker's own tmux runs it whenever a client comes, goes or changes its session, so that everything is put back
# however a view ends. A view is known by its client's process: PID once it is attached, PID:SESSION-ID on its way there.
#
# What happens is written down before it happens, in the order in which it happens: whoever ends this half-way leaves a state
# that the next run understands. Each call to tmux is a process, and somebody waits for his first screen meanwhile: the first
# view of a session takes three.
exec >/dev/null 2>&1
view=${1:+$PPID:$1} text=${2-}
newline='
'
hooks='client-attached client-detached client-session-changed'
# Beyond what anybody numbers by hand.
index=7731
# Of a session with views only: no second status line, the operator's prefix free, no other session when this one ends.
session_options='status prefix prefix2 mouse set-titles set-titles-string detach-on-destroy'
same_as_ours='#{==:#{status},off}#{==:#{prefix},C-F12}#{==:#{prefix2},None}#{==:#{mouse},1}#{==:#{set-titles},1}#{==:#{set-titles-string},##T}#{==:#{detach-on-destroy},on}'
# Of the whole server, while there is a view.
server_options='set-clipboard focus-events extended-keys'
# What the operator's copy-mode key sends instead of this tmux's own prefix, which may be in the way of an application by
# the time it arrives: no terminal has such keys, so they mean copy mode and nothing else for as long as there is a view.
# Below 1000, where tmux has no user keys any more.
emacs_key=773 vi_key=774
escape=$(printf '\033')
mode_left='if-shell -F "#{?pane_in_mode,,#{@factory-worker-mode-keys}}" "set-option -wu mode-keys ; set-option -wu @factory-worker-mode-keys"'

# ours OPTION: sets value to what it is while a view is there.
ours() {
	case $1 in
	status) value=off ;;
	prefix) value=C-F12 ;;
	prefix2) value=None ;;
	set-titles-string) value='#T' ;;
	*) value=on ;;
	esac
}

# has LINES NAME: whether the output of show-options begins a line with this name.
has() {
	case $newline$1$newline in
	*"$newline$2 "* | *"$newline$2$newline"*) ;;
	*) return 1 ;;
	esac
}

# A lock that only tmux has to keep: -o refuses to set what is set, and then nothing behind it is done. Whoever was killed
# with it, or stands still, loses it: to the next who wants it, or to tmux itself. Whoever gets it is told in the same call
# how things are.
#
# Each client that comes or goes calls a run that no view waits for. One of these is enough to wait for the lock: whoever gets it
# looks at everything then, and sees what the others came for. Forty-seven that ask again and again keep tmux from all else. One
# that is killed or stands still is followed by another when the lock must be free.
# The command that forgets the lock is read once before its time, and once after. A server whose last session has ended
# (exit-empty off) lists no clients: it fails.
lock() {
	tries=0
	until listing=$(tm set-option -so @factory-worker-lock "$$" \; set-option -su @factory-worker-waits \; \
		run-shell -b -d 10 -C "if-shell -F '##{==:##{@factory-worker-lock},$$}' 'set-option -su @factory-worker-lock'" \; \
		list-sessions -F 'S:#{session_id}:#{@factory-worker-hidden}:#{@factory-worker-begun}' \; \
		if-shell -F '#{session_id}' "list-clients -F 'C:#{session_id}:#{client_pid}'" \; show-options -sqv @factory-worker-views); do
		[ "$view$tries" != 0 ] || tm set-option -so @factory-worker-waits 1 \; run-shell -b -d 15 '#{@factory-worker-sync}' || exit 0
		before=$holder
		holder=$(tm show-options -sqv @factory-worker-lock) || exit 0
		# Many may come before us: only one that stands still loses it.
		[ "$holder" = "$before" ] || tries=0
		tries=$((tries + 1))
		if [ "$tries" -lt 100 ] && kill -0 "$holder"; then
			# POSIX knows whole seconds only.
			sleep 0.05 || sleep 1
		else
			tm if-shell -F "#{==:#{@factory-worker-lock},$holder}" 'set-option -su @factory-worker-lock'
		fi
	done
}

# If we were too slow, somebody else has it meanwhile.
lock_is_ours="#{==:#{@factory-worker-lock},$$}"

unlock() {
	tm if-shell -F "$lock_is_ours" 'set-option -su @factory-worker-lock'
}

# go_on HOLDER: ends this run unless the lock is still ours: what we know of is over. Another run looks anew, since whoever had
# the lock after us may have been done before we went on.
go_on() {
	[ "$1" != "$$" ] || return 0
	tm run-shell -b '#{@factory-worker-sync}'
	[ -z "$view" ] || exit 3
	exit 0
}

# Sets sessions (their ids), hidden (those whose options are ours), begun, clients (SESSION-ID:PID) and views, without those
# that are over.
look() {
	sessions='' hidden='' begun='' clients='' views='' expected='' known=''
	for word in $listing; do
		rest=${word#?:}
		case $word in
		S:*)
			sessions="$sessions ${rest%%:*}"
			case $rest in
			*:1:*) hidden="$hidden ${rest%%:*} " ;;
			esac
			case $rest in
			*:1) begun=yes ;;
			esac
			;;
		C:*) clients="$clients $rest " ;;
		*) known="$known $word" ;;
		esac
	done
	for word in $known $view; do
		pid=${word%%:*}
		case $clients in
		*":$pid "*) views="$views $pid " ;;
		*) case $word in
			*:*) ! kill -0 "$pid" || views="$views $word " expected=yes ;;
			esac ;;
		esac
	done
}

# is_ours SESSION-ID: whether views, and nobody else, are there or on their way.
is_ours() {
	found=''
	for client in $clients; do
		[ "${client%%:*}" = "$1" ] || continue
		case $views in
		*" ${client#*:} "*) found=yes ;;
		*) return 1 ;;
		esac
	done
	case $found$views in
	yes* | *":$1 "*) ;;
	*) return 1 ;;
	esac
}

# copy_mode KEYS: sets enter_mode to the command that enters copy mode with the operator's keys (emacs, vi). They are the
# window's for as long as it is in a mode, unless it has some of its own.
copy_mode() {
	set_keys="set-option -woq mode-keys $1 ; if-shell -F '#{==:#{mode-keys},$1}' 'set-option -w @factory-worker-mode-keys 1'"
	enter_mode="if-shell -F '#{!=:#{mode-keys},$1}' \"$set_keys\" ; copy-mode"
}

# own_keys WINDOWS (as list-windows takes them): no keys of the operator's in them any more.
own_keys() {
	for window in $(tm list-windows "$@" -F '#{?@factory-worker-mode-keys,#{window_id},}'); do
		tm set-option -wu -t "$window" mode-keys \; set-option -wu -t "$window" @factory-worker-mode-keys
	done
}

# add WORD…: one more command of the change that is to be made in one call; no word has a single quote.
add() {
	change="$change \\;"
	for word; do
		change="$change '$word'"
	done
}

# begin: everything that puts things back, before anything is changed; also when this is the last that we can do. Then it
# asks what else has to be known: which sessions have hooks of their own, since those do not look at the global ones, so that
# ours are not theirs; and what own options those have that are to be hidden.
begin() {
	set -- set-option -s @factory-worker-views "$views" \; set-option -s @factory-worker-sync "$text"
	has_ours=''
	for hook in $hooks; do
		set -- "$@" \; set-hook -g "${hook}[$index]" 'run-shell -b "#{@factory-worker-sync}"'
		has_ours="$has_ours#{?${hook}[$index],1,0}"
	done
	set -- "$@" \; run-shell -b -d 15 '#{@factory-worker-sync}' \; set-hook -g "pane-mode-changed[$index]" "$mode_left"
	copy_mode emacs
	set -- "$@" \; set-option -s "user-keys[$emacs_key]" "${escape}[7731~" \; bind-key -n "User$emacs_key" "$enter_mode"
	copy_mode vi
	set -- "$@" \; set-option -s "user-keys[$vi_key]" "${escape}[7732~" \; bind-key -n "User$vi_key" "$enter_mode"
	ask "$@" \; list-sessions -F "#{session_id}:$has_ours" \;
	for option in $server_options; do
		add set-option -sF "@factory-worker-was-$option" "#{$option}"
	done
	for option in $server_options; do
		case $option in
		# There is more than on.
		extended-keys) add set-option -sF extended-keys '#{?#{==:#{extended-keys},off},on,#{extended-keys}}' ;;
		*)
			ours "$option"
			add set-option -s "$option" "$value"
			;;
		esac
	done
	add set-option -s @factory-worker-begun 1
	keep_hooks
}

# Hooks of ours for the sessions that have own ones.
keep_hooks() {
	for word in ${answer%%"$newline="*}; do
		id=${word%%:*} rest=${word#*:}
		[ "${rest#*0}" != "$rest" ] || continue
		for hook in $hooks; do
			case $rest in
			0*) add set-hook -t "$id:" "${hook}[$index]" 'run-shell -b "#{@factory-worker-sync}"' ;;
			esac
			rest=${rest#?}
		done
		add set-option -t "$id:" @factory-worker-hooks 1
	done
}

# ask [COMMAND… ;]: the answers to these commands, and behind them the own options of each session that is to be hidden, as
# answer. Without a session of that id tmux does not go on, and it is not hidden.
ask() {
	for id in $to_hide; do
		set -- "$@" display-message -p "= $id" \; show-options -t "$id:" \;
	done
	answer=$newline$(tm "$@" set-option -s @factory-worker-views "$views")$newline
}

# hide SESSION-ID: our options, with the session's own kept beside them. tmux itself copies them: no value passes
# through here.
hide() {
	case $answer in
	*"$newline= $1$newline"*) ;;
	*) return ;;
	esac
	own=${answer#*"$newline= $1$newline"}
	own=$newline${own%%"$newline= "*}
	add set-option -t "$1:" @factory-worker-hidden 1
	for option in $session_options; do
		! has "$own" "$option" || add set-option -F -t "$1:" "@factory-worker-was-$option" "#{$option}"
		ours "$option"
		add set-option -t "$1:" "$option" "$value"
	done
}

# show SESSION-ID: the session's own options, but those that somebody has changed meanwhile.
show() {
	own_keys -t "$1:"
	own=$(tm show-options -t "$1:")
	mask=$(tm display-message -p -t "$1:" "$same_as_ours:#{@factory-worker-lock}")
	go_on "${mask##*:}"
	set -- "$1" set-option -u -t "$1:" @factory-worker-hidden
	for option in $session_options; do
		rest=${mask#?} same=${mask%"${mask#?}"} mask=${mask#?}
		was=@factory-worker-was-$option
		if ! has "$own" "$was"; then
			[ "$same" != 1 ] || set -- "$@" \; set-option -u -t "$1:" "$option"
		else
			[ "$same" != 1 ] || set -- "$@" \; set-option -F -t "$1:" "$option" "#{$was}"
			set -- "$@" \; set-option -u -t "$1:" "$was"
		fi
	done
	shift
	tm "$@"
}

# end: everything is as it was before the first view.
end() {
	go_on "$(tm show-options -sqv @factory-worker-lock)"
	set --
	# No session may be left to tell whether we have begun.
	[ -z "$(tm show-options -sqv @factory-worker-begun)" ] || for option in $server_options; do
		ours "$option"
		[ "$(tm show-options -sv "$option")" != "$value" ] ||
			set -- "$@" set-option -sF "$option" "#{@factory-worker-was-$option}" \;
		set -- "$@" set-option -su "@factory-worker-was-$option" \;
	done
	tm "$@" set-option -su @factory-worker-begun
	for id in $(tm list-sessions -F '#{?@factory-worker-hooks,#{session_id},}'); do
		set --
		for hook in $hooks; do
			set -- "$@" set-hook -u -t "$id:" "${hook}[$index]" \;
		done
		tm "$@" set-option -u -t "$id:" @factory-worker-hooks
	done
	own_keys -a
	# Of a client that is not asked for its size (enter.sh), should it have come no further.
	set -- set-option -su "terminal-overrides[$index]" \;
	for hook in $hooks pane-mode-changed; do
		set -- "$@" set-hook -gu "${hook}[$index]" \;
	done
	for key in $emacs_key $vi_key; do
		set -- "$@" unbind-key -n "User$key" \; set-option -su "user-keys[$key]" \;
	done
	go_on "$(tm show-options -sqv @factory-worker-lock)"
	tm "$@" set-option -su @factory-worker-views \; set-option -su @factory-worker-sync \; set-option -su @factory-worker-lock
}

[ -n "${view:-$(tm show-options -sqv @factory-worker-views)}" ] || exit 0
lock
look
[ -z "$view" ] || is_ours "${view#*:}" || {
	unlock
	exit 3
}
change='' to_hide=''
for id in $sessions; do
	case $hidden in
	*" $id "*) is_ours "$id" || show "$id" ;;
	*) ! is_ours "$id" || to_hide="$to_hide $id" ;;
	esac
done
[ -n "$views" ] || {
	end
	exit 0
}
if [ -n "$view" ] && [ -z "$begun" ]; then
	begin
elif [ -n "$to_hide" ]; then
	ask
fi
for id in $to_hide; do
	hide "$id"
done
# A view that never arrives is nobody's event.
[ -z "$expected" ] || add run-shell -b -d 5 '#{@factory-worker-sync}'
# A session that has ended meanwhile is no reason to leave the lock.
eval "tm set-option -s @factory-worker-views '$views' $change \\; if-shell -F '$lock_is_ours' 'set-option -su @factory-worker-lock'" || unlock
exit 0
