# shellcheck shell=sh disable=SC2016
# Needs: sh
#
# The same for a script as it is (as $0).
FACTORY_WORKER_VIEW=$1 exec sh -c 'eval "$1"' - "$0"
