# shellcheck shell=sh
# Becomes a shell by whose environment everybody knows whose it is (reap.sh). Arguments: what it runs (as $0), a script in
# the form that this understands, the tag.
export FACTORY_WORKER_VIEW="$2"
exec sh -c "$0" factory-worker "$1"
