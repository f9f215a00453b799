# shellcheck shell=sh
# Needs: cat chmod mkdir mv
#
# Writes standard input into a file. Arguments: its path, its mode, the name that it gets when the path is a directory.
path=$1
[ ! -d "$path" ] || path=$path/$3
case $path in
*/*) mkdir -p -- "${path%/*}" ;;
esac
cat >"$path.factory-worker" && chmod -- "$2" "$path.factory-worker" && mv -f -- "$path.factory-worker" "$path" && mark ok
finish
