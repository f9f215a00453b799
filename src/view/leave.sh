# shellcheck shell=sh
# Ends clients that a broken connection has left, then says whether a session is there. Arguments: the session's name,
# then the tags of views, which their clients carry in their environment.
name=$1
shift
for tag; do
	# shellcheck disable=SC2013 # no such name has a space
	for file in $(grep -lsF "FACTORY_WORKER_VIEW=$tag" /proc/[0-9]*/environ); do
		pid=${file#/proc/}
		kill -TERM "${pid%/environ}" 2>/dev/null
	done
done
find_session "$name"
finish
