# shellcheck shell=sh
# What a session is known by on every machine (reap.sh and whereabouts.sh come before this). Arguments: the session's name, what it is known
# by on its server, or nothing. The answer: `here` with it.
find_session "$1" "$2"
whereabouts
# shellcheck disable=SC2154 # whereabouts sets here
mark "here $here"
finish
