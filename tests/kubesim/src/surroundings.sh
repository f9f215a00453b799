# shellcheck shell=sh
# Makes the surroundings of a container and runs a command in them. Runs in a mount namespace of its own.
# Arguments: the container's directory, its PATH, what is odd about it (words, the last is --), the command.
directory=$1 path=$2
shift 2
PATH=/usr/sbin:/usr/bin:/sbin:/bin
newline='
'

# read_only PATH: the mount that holds it; its other flags stay, a user namespace may not drop them.
read_only() {
	flags=$(findmnt -n -o VFS-OPTIONS -T "$1")
	mount -o "remount,bind,ro,${flags#rw,}" "$(findmnt -n -o TARGET -T "$1")"
}

# own_root: a root directory in which all is as on this machine but /tmp and what is mounted. This machine's directories are
# mounted by one process, not by one each, since there are some twenty for each command; the table is where nobody else sees it.
own_root() {
	mkdir -p "$root"
	mount -t tmpfs none "$root"
	links='' directories='' table=''
	for entry in /*; do
		if [ -L "$entry" ]; then
			links="$links $entry"
		elif [ -d "$entry" ] && [ "$entry" != /tmp ]; then
			directories="$directories $root$entry"
			table="$table$entry $root$entry none rbind 0 0$newline"
		fi
	done
	# shellcheck disable=SC2086 # one word for each; none of them has a space
	{
		[ -z "$links" ] || cp -P $links "$root"
		mkdir -p $directories "$root/tmp" "$directory/own-tmp"
	}
	printf '%s' "$table" >"$root/fstab"
	mount --all --fstab "$root/fstab"
	rm "$root/fstab"
	mount --bind "$directory/own-tmp" "$root/tmp"
	mkdir -p "$root${directory%/*}"
	mount --bind "${directory%/*}" "$root${directory%/*}"
	while IFS=' ' read -r source target; do
		mkdir -p "$root$target"
		mount --bind "$source" "$root$target"
	done <"$directory/mounts"
	mkdir -p "$root$(cat "$directory/working-directory")"
}

set -e
mount --make-rprivate /
while [ "$1" != -- ]; do
	case $1 in
	no-terminfo)
		for place in /etc/terminfo /lib/terminfo /usr/lib/terminfo /usr/share/terminfo; do
			[ ! -d "$place" ] || mount -t tmpfs none "$place"
		done
		;;
	read-only)
		mount --bind "$directory/tmp" "$directory/tmp"
		read_only "$directory/home"
		read_only /usr
		;;
	volume-read-only) mount -t tmpfs -o ro none "$directory/home/.factory" ;;
	volume-full)
		mount -t tmpfs -o size=64k none "$directory/home/.factory"
		head -c 60000 /dev/zero >"$directory/home/.factory/big"
		;;
	other-user) user=12345 ;;
	own-root) root=$directory/root ;;
	esac
	shift
done
shift
if [ -n "${user:-}" ]; then
	set -- /usr/bin/unshare --user --map-user="$user" --map-group="$user" -- "$@"
fi
[ -z "${root:-}" ] || own_root
set +e
if [ -n "${root:-}" ]; then
	set -- "$(command -v chroot)" "$root" /usr/bin/env -C "$(cat "$directory/working-directory")" PATH="$path" "$@"
fi
cd "$directory/home" || exit
PATH=$path exec "$@"
