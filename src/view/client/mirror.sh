# shellcheck shell=sh
# Whether a view would show itself (whereabouts.sh comes before this, enter.sh behind it).

# is_mirror: whether the terminal that we would draw on is shown in the session itself, by however many windows in between.
is_mirror() {
	whereabouts
	# shellcheck disable=SC2154 # whereabouts sets here
	case " $shown_in " in
	*" $here "*) ;;
	*) return 1 ;;
	esac
}
