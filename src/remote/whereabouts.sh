# shellcheck shell=sh
# whereabouts: sets here to what the session that was found is known by on every machine (reap.sh comes before this): its id, its
# server's process and start, then the boot of the machine and when in it that process was started, as far as the kernel says.
# shellcheck disable=SC2034,SC2154 # here is for whoever calls this; find_session sets known_by
whereabouts() {
	boot='' start=0
	# shellcheck disable=SC2086 # four words
	set -- $known_by
	{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
	about "$2"
	here=$1/$2/$3/${boot%%-*}/$start
}
