# shellcheck shell=sh
# Run one of the worker's own commands and prove how it ended. Arguments: the command.
mark output
"$@" </dev/null
mark "status $?"
finish
