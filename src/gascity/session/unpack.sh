# shellcheck shell=sh
# Needs: mkdir tar
#
# Unpacks what comes in on standard input (tar) into a directory. Argument: the directory.
mkdir -p -- "$1" && tar xf - -C "$1" && mark ok
finish
