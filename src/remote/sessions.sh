# shellcheck shell=sh
#
# Says which sessions there are, for the windows of this machine that show one: they follow its name (bounded.sh comes before
# this). Then comes the script that somebody wanted to run, which may have nothing to do with tmux.
#
# A tmux that stands still must not keep that. It also keeps the pipe that it is asked to write to, whoever is killed, so
# nobody waits for the end of that.
# shellcheck disable=SC2154 # words.sh and find_session.sh set what is not set here
{
	mark known
	! command -v "$tmux" >/dev/null 2>&1 || eval "bounded 1 $words"' -u list-sessions -F "$identity #{session_name}"'
	mark "known-end $?"
} 2>/dev/null | while IFS= read -r line; do
	printf '%s\n' "$line"
	# busybox's sed would read on.
	case $line in
	"$nonce known-end "*) break ;;
	esac
done
