# shellcheck shell=sh
# Needs: cat
#
# A file's bytes. Argument: its path.
mark file
cat -- "$1"
mark "status $?"
finish
