# shellcheck shell=sh
# Ends what views of this machine have left when they died; then comes the script that somebody wanted to run. Arguments: how
# many tags such views have, those tags; what follows is the script's own.
left=$1
shift
while [ "$left" -gt 0 ]; do
	! end_clients "$1" || mark "gone $1"
	left=$((left - 1))
	shift
done
