# shellcheck shell=sh
# Uses: locale
#
# What there is on a worker. Arguments: terminal types separated by spaces, then programs.
types=$1
shift

# shellcheck disable=SC2154 # the prelude sets tmux
if command -v "$tmux" >/dev/null 2>&1; then
	mark tmux
	tm -V 2>&1
	mark listing
	tm list-sessions -F "" 2>&1
	mark extended-keys
	# Only a server that is there.
	tm -N show-options -sqv @factory-worker-was-extended-keys \; show-options -sqv extended-keys 2>/dev/null
fi
for type in $types; do
	! knows "$type" || mark "terminal $type"
done
if command -v locale >/dev/null 2>&1; then
	mark charmap
	LC_ALL=C.UTF-8 locale charmap 2>/dev/null
fi
for program in "$@"; do
	if command -v "$program" >/dev/null 2>&1; then
		mark program
		printf '%s\n' "$program"
	fi
done
finish
