# shellcheck shell=sh
# What a session is known by: its id, the process and the start of its server, its own start.
identity='#{session_id} #{pid} #{start_time} #{session_created}'

# find_session NAME [KNOWN]: sets id to the id of the session that is meant, known_by to what it is known by, called to its
# name; or ends the script saying why not. KNOWN is what known_by was before: as long as its server runs it is that session, whatever
# that is called by now, and none when that is over.
#
# Ids are targets that no name can imitate: a session *named* $0 would be taken for the id $0.
# shellcheck disable=SC2034 # id and called are for whoever calls this
find_session() {
	# shellcheck disable=SC2154 # words.sh sets it
	if ! command -v "$tmux" >/dev/null 2>&1; then
		finish no-tmux
	fi
	if ! listing=$(tm list-sessions -F "$identity #{session_name}" 2>&1); then
		finish tmux-failed "$listing"
	fi
	# No here-document: some shells need a writable disk for it.
	match='' namesakes=0 runs='' server=${2:-. .}
	server=${server#* }
	set -f
	IFS='
'
	for line in $listing; do
		case $line in
		"${2:-.} "*)
			match=$line namesakes=1
			break
			;;
		esac
		# Among the lines may be a warning of somebody's tmux.
		case ${line#* } in
		"${server% *} "*) runs=yes ;;
		esac
		[ "${line#* * * * }" != "$1" ] || match=$line namesakes=$((namesakes + 1))
	done
	unset IFS
	set +f
	called=${match#* * * * }
	known_by=${match%" $called"}
	if [ "$known_by" != "${2-}" ] && [ -n "$runs" ]; then
		[ -z "$match" ] || finish replaced
		finish ended
	fi
	case $namesakes in
	0) finish no-session ;;
	1) id=${match%% *} ;;
	*) finish ambiguous ;;
	esac
}
