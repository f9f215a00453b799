# shellcheck shell=sh
# What every script that we send begins with. Arguments: a nonce; the worker's tmux command line, quoted; its
# program; then the script's own arguments, which are "$@" when this part is done.
# shellcheck disable=SC2034 # for whoever comes behind this
nonce=$1 words=$2 tmux=$3
shift 3

# tm ARGUMENT…: the worker's tmux.
tm() {
	eval "$words"' -u "$@"'
}
