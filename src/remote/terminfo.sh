# shellcheck shell=sh
# knows TYPE: whether there is a terminfo entry. Small images have neither tput nor infocmp, but tmux reads the same files.
knows() {
	tput -T "$1" clear >/dev/null 2>&1 && return
	for directory in "${TERMINFO:-}" "${HOME:-}/.terminfo" /etc/terminfo /lib/terminfo /usr/share/terminfo /usr/lib/terminfo; do
		[ ! -e "$directory/${1%"${1#?}"}/$1" ] || return 0
	done
	return 1
}
