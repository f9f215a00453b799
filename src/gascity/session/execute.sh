# shellcheck shell=sh
# Needs: cat sh
#
# Runs a command. Standard input: the command, for sh. The answer: `output` with what it wrote, `status N`.
command=$(cat)
mark output
sh -c "$command" </dev/null
mark "status $?"
finish
