# shellcheck shell=sh
# Runs a command until standard input ends. Whoever holds the other end may go in any way, also by SIGKILL: the command
# goes too, and the directory it worked in. Arguments: that directory, the command.
place=$1
shift
"$@" </dev/null &
command=$!
# Nobody but the command holds its streams, so that their end is its end.
exec >/dev/null 2>&1
trap '' HUP INT TERM
read -r _
kill -TERM 0
# One that was stopped hears of it only then.
kill -CONT 0
wait "$command"
rm -rf -- "$place"
