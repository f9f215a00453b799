# shellcheck shell=sh
# Needs: cat
#
# Metadata, which the agent reads and writes as well: the environment of the tmux session. Arguments: the session's name, what
# it is known by (or nothing), `get`, `set` or `unset`, the key. Standard input of `set`: the value. The answer: `value` with
# what `get` found, `ok`.

# as_it_is TEXT: prints it without the backslash that tmux 3.4 puts before each $ with a name behind it.
as_it_is() {
	text=$1
	case $text in
	*\\\$[A-Za-z_\{]*) version=$(tm -V) ;;
	*) version='' ;;
	esac
	while [ "${version##* }" = 3.4 ]; do
		case $text in
		*\\\$[A-Za-z_\{]*) ;;
		*) break ;;
		esac
		before=${text%%\\\$[A-Za-z_\{]*}
		text=${text#"$before"??}
		printf '%s$' "$before"
	done
	printf '%s' "$text"
}

find_session "$1" "$2"
case $3 in
set)
	# Command substitution takes line ends away, so that something has to stand behind them.
	value=$(cat && printf .)
	value=${value%.}
	# A semicolon at the end would end tmux's command.
	case $value in
	*\;) value="${value%;}\\;" ;;
	esac
	# shellcheck disable=SC2154 # find_session sets id
	tm set-environment -t "$id:" -- "$4" "$value" && mark ok
	;;
unset) tm set-environment -t "$id:" -u -- "$4" && mark ok ;;
get)
	if found=$(tm show-environment -t "$id:" -- "$4" 2>&1 && printf .); then
		case $found in
		"$4="*)
			mark value
			# What is tmux's own: the line's end.
			found=${found%?.}
			as_it_is "${found#"$4="}"
			;;
		esac
		mark ok
	else
		case $found in
		'unknown variable: '*) mark ok ;;
		*) printf '%s\n' "$found" >&2 ;;
		esac
	fi
	;;
esac
finish
