# shellcheck shell=sh
# Ends clients that a broken connection has left (reap.sh comes before this), then says whether a session is there.
# Arguments: the session's name, then the tags of views.
name=$1
shift
for tag; do
	! end_clients "$tag" || mark "gone $tag"
done
find_session "$name"
finish
