# shellcheck shell=sh
# Needs: dd stty
#
# Throws away what was typed while a view was down (enter.sh comes behind this).

# Throws away everything that was typed before the terminal comes to read this: it answers a question at its place in
# the stream of keys. From here on keys are the session's, and by so many bytes more the other end knows. The bottom line,
# which says that the connection is down, goes at the same moment. The answer takes a round trip, in which there is enough
# else to do.
begin_to_drop_keys() {
	tick
	modes=$(stty -g 2>/dev/null) || return
	stty raw -echo min 0 time 0
	dd bs=65536 count=1 >/dev/null 2>&1
	stty min 0 time 10
	printf '\0337\033[999;1H\033[2K\0338'
	question=0
	ask
}

# Somebody else may have taken the answer. Each question has one of its own, so that no late one is left for the session.
ask() {
	question=$((question + 1))
	printf '\0337\033[1;%sH\033[6n\0338' "$question"
}

# A terminal that says nothing for a second has no answer; nobody who goes on typing waits for more than nine questions.
drop_keys() {
	[ -n "$modes" ] || return
	until is_answered || [ "$question" -eq 9 ]; do
		ask
	done
	stty "$modes"
}

# is_answered: whether it says that the cursor was where it was asked to be, before it is silent for a second. What comes
# behind the answer is the session's, so nothing of that is read.
is_answered() {
	answer="$(printf '\033')[1;${question}R" seen=''
	while [ "${#seen}" -lt 999 ] && byte=$(dd bs=1 count=1 2>/dev/null && printf x) && [ "$byte" != x ]; do
		seen=$seen${byte%x}
		[ "${seen%"$answer"}" = "$seen" ] || return 0
	done
	return 1
}
