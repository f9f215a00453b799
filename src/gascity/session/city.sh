# shellcheck shell=sh
# Needs: rm
# Uses: gc
#
# Makes a city of the one that was copied into the pod. Arguments: where it was copied to, the workspace. The answer: `made N`,
# an exit status.
gc init --from "$1" "$2" >&2
mark "made $?"
rm -rf -- "$1"
finish
