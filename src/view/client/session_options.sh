# shellcheck shell=sh
# Makes the options of the sessions fit who looks at them. Arguments: none; or, from enter.sh, a view that is about to
# attach and this very text, to be kept for the hooks. Exit 3: somebody else is there, so nothing was changed.
#
# The worker's own tmux runs it whenever a client comes, goes or changes its session, so that everything is put back
# however a view ends. A view is known by its client's process: PID once it is attached, PID:SESSION-ID on its way there.
#
# What happens is written down before it happens, and each step is one call to tmux: whoever ends this half-way leaves
# a state that the next run understands.
exec >/dev/null 2>&1
view=${1-} text=${2-}
newline='
'
hooks='client-attached client-detached client-session-changed'
# Beyond what anybody numbers by hand.
index=7731
# Of a session with views only: no second status line, the operator's prefix free, no other session when this one ends.
session_options='status prefix prefix2 mouse set-titles set-titles-string detach-on-destroy'
same_as_ours='#{==:#{status},off}#{==:#{prefix},C-F12}#{==:#{prefix2},None}#{==:#{mouse},1}#{==:#{set-titles},1}'
same_as_ours="$same_as_ours#{==:#{set-titles-string},##T}#{==:#{detach-on-destroy},on}"
# Of the whole server, while there is a view.
server_options='set-clipboard focus-events extended-keys'
# What the operator's copy-mode key sends instead of this tmux's own prefix, which may be in the way of an application by
# the time it arrives: no terminal has such keys, so they mean copy mode and nothing else for as long as there is a view.
# Below 1000, where tmux has no user keys any more.
emacs_key=773 vi_key=774
escape=$(printf '\033')
# tmux reads it once before the time is over, and once after.
forget_lock="if-shell -F '##{==:##{@factory-worker-lock},$$}' 'set-option -su @factory-worker-lock'"
mode_left='if-shell -F "#{?pane_in_mode,,#{@factory-worker-mode-keys}}" "set-option -wu mode-keys ; set-option -wu @factory-worker-mode-keys"'

# ours OPTION: the value it has while a view is there.
ours() {
	case $1 in
	status) echo off ;;
	prefix) echo C-F12 ;;
	prefix2) echo None ;;
	set-titles-string) echo '#T' ;;
	*) echo on ;;
	esac
}

# has LINES NAME: whether the output of show-options begins a line with this name.
has() {
	case $newline$1 in
	*"$newline$2 "* | *"$newline$2$newline"* | *"$newline$2") ;;
	*) return 1 ;;
	esac
}

pause() {
	# POSIX knows whole seconds only.
	sleep 0.05 || sleep 1
}

# A lock that only tmux has to keep: -o refuses to set what is set, and then nothing behind it is done. Whoever was killed
# with it, or stands still, loses it: to the next who wants it, or to tmux itself. Whoever gets it is told in the same call
# how things are.
lock() {
	tries=0
	until listing=$(tm set-option -so @factory-worker-lock "$$" \; run-shell -b -d 10 -C "$forget_lock" \; \
		list-sessions -F 'S:#{session_id}:#{@factory-worker-hidden}:#{@factory-worker-begun}' \; \
		list-clients -F 'C:#{session_id}:#{client_pid}' \; show-options -sqv @factory-worker-views); do
		holder=$(tm show-options -sqv @factory-worker-lock) || exit 0
		tries=$((tries + 1))
		if [ "$tries" -gt 100 ] || ! kill -0 "$holder"; then
			tries=0
			tm if-shell -F "#{==:#{@factory-worker-lock},$holder}" 'set-option -su @factory-worker-lock'
		else
			pause
		fi
	done
}

unlock() {
	tm set-option -su @factory-worker-lock
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

# copy_mode KEYS: the command that enters copy mode with the operator's keys (emacs, vi). They are the window's for as long
# as it is in a mode, unless it has some of its own.
copy_mode() {
	set_keys="set-option -woq mode-keys $1 ; if-shell -F '#{==:#{mode-keys},$1}' 'set-option -w @factory-worker-mode-keys 1'"
	printf '%s\n' "if-shell -F '#{!=:#{mode-keys},$1}' \"$set_keys\" ; copy-mode"
}

# own_keys WINDOWS (as list-windows takes them): no keys of the operator's in them any more.
own_keys() {
	for window in $(tm list-windows "$@" -F '#{?@factory-worker-mode-keys,#{window_id},}'); do
		tm set-option -wu -t "$window" mode-keys \; set-option -wu -t "$window" @factory-worker-mode-keys
	done
}

# begin: everything that puts things back, before anything is changed; also when this is the last that we can do.
begin() {
	set -- set-option -s @factory-worker-views "$views" \; set-option -s @factory-worker-sync "$text"
	for hook in $hooks; do
		set -- "$@" \; set-hook -g "${hook}[$index]" 'run-shell -b "#{@factory-worker-sync}"'
	done
	set -- "$@" \; run-shell -b -d 15 '#{@factory-worker-sync}' \; set-hook -g "pane-mode-changed[$index]" "$mode_left" \; \
		set-option -s "user-keys[$emacs_key]" "${escape}[7731~" \; bind-key -n "User$emacs_key" "$(copy_mode emacs)" \; \
		set-option -s "user-keys[$vi_key]" "${escape}[7732~" \; bind-key -n "User$vi_key" "$(copy_mode vi)"
	tm "$@"
	# A session with hooks of its own does not look at the global ones.
	for id in $sessions; do
		own=$(tm show-hooks -t "$id:")
		set --
		for hook in $hooks; do
			case $newline$own in
			*"$newline$hook"*) set -- "$@" set-hook -t "$id:" "${hook}[$index]" 'run-shell -b "#{@factory-worker-sync}"' \; ;;
			esac
		done
		[ "$#" -eq 0 ] || tm "$@" set-option -t "$id:" @factory-worker-hooks 1
	done
	set --
	for option in $server_options; do
		set -- "$@" set-option -sF "@factory-worker-was-$option" "#{$option}" \;
	done
	for option in $server_options; do
		case $option in
		# There is more than on.
		extended-keys) set -- "$@" set-option -sF extended-keys '#{?#{==:#{extended-keys},off},on,#{extended-keys}}' \; ;;
		*) set -- "$@" set-option -s "$option" "$(ours "$option")" \; ;;
		esac
	done
	tm "$@" set-option -s @factory-worker-begun 1
}

# hide SESSION-ID: our options, with the session's own kept beside them. tmux itself copies them: no value passes
# through here.
hide() {
	own=$(tm show-options -t "$1:")
	set -- "$1" set-option -t "$1:" @factory-worker-hidden 1
	for option in $session_options; do
		! has "$own" "$option" || set -- "$@" \; set-option -F -t "$1:" "@factory-worker-was-$option" "#{$option}"
		set -- "$@" \; set-option -t "$1:" "$option" "$(ours "$option")"
	done
	shift
	tm "$@"
}

# show SESSION-ID: the session's own options, but those that somebody has changed meanwhile.
show() {
	own_keys -t "$1:"
	own=$(tm show-options -t "$1:")
	mask=$(tm display-message -p -t "$1:" "$same_as_ours")
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
	set --
	if [ -n "$begun" ]; then
		for option in $server_options; do
			[ "$(tm show-options -sv "$option")" != "$(ours "$option")" ] ||
				set -- "$@" set-option -sF "$option" "#{@factory-worker-was-$option}" \;
			set -- "$@" set-option -su "@factory-worker-was-$option" \;
		done
	fi
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
	tm "$@" set-option -su @factory-worker-views \; set-option -su @factory-worker-sync \; set-option -su @factory-worker-lock
}

[ -n "$view" ] || [ -n "$(tm show-options -sqv @factory-worker-views)" ] || exit 0
lock
look
if [ -n "$view" ]; then
	if ! is_ours "${view#*:}"; then
		unlock
		exit 3
	fi
	[ -n "$begun" ] || begin
fi
for id in $sessions; do
	if is_ours "$id"; then
		case $hidden in
		*" $id "*) ;;
		*) hide "$id" ;;
		esac
	else
		case $hidden in
		*" $id "*) show "$id" ;;
		esac
	fi
done
if [ -n "$views" ]; then
	set --
	# A view that never arrives is nobody's event.
	[ -z "$expected" ] || set -- run-shell -b -d 5 '#{@factory-worker-sync}' \;
	tm "$@" set-option -s @factory-worker-views "$views" \; set-option -su @factory-worker-lock
else
	end
fi
exit 0
