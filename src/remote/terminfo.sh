# shellcheck shell=sh
# Uses: tput
#
# knows TYPE: whether there is a terminfo entry. tmux reads these files; small images have neither tput nor infocmp, which know
# of other places.
knows() {
	for directory in "$TERMINFO" "$HOME/.terminfo" /etc/terminfo /lib/terminfo /usr/share/terminfo /usr/lib/terminfo; do
		[ ! -e "$directory/${1%"${1#?}"}/$1" ] || return 0
	done
	tput -T "$1" clear >/dev/null 2>&1
}
