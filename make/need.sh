#!/bin/sh
# Sees to it that this machine has what a make target needs, and installs what is missing: need.sh build|demo|test|lint
set -eu

packages=

# want COMMAND PACKAGES WHY: remembers the Debian packages when there is no such command.
want() {
	command -v "$1" >/dev/null 2>&1 && return
	echo "$1 is missing: $3. It is in the Debian package $2."
	packages="$packages $2"
}

want_cargo() {
	command -v cargo >/dev/null 2>&1 && return
	cat >&2 <<-END
		cargo is missing: it compiles factory-worker. Get Rust 1.91 or later from https://www.rust-lang.org/tools/install,
		e.g. with
		    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh
	END
	exit 1
}

want_for() {
	want_cargo
	want cc 'gcc libc6-dev' 'Rust links programs with it'
	case $1 in
	build) ;;
	demo)
		want tmux tmux 'factory-worker shows sessions in it'
		;;
	test)
		want tmux tmux 'most tests press keys in a real one'
		want ps procps 'tests look for processes that were left behind'
		want zsh zsh 'the completions are tested in it'
		want fish fish 'the completions are tested in it'
		want busybox busybox 'what runs inside a worker is tested under its sh'
		want dash dash 'what runs inside a worker is tested under it'
		;;
	lint)
		want shellcheck shellcheck 'it checks every script'
		want shfmt shfmt 'it checks the layout of every script'
		want zsh zsh 'it checks the syntax of the zsh scripts'
		want fish fish 'it checks the syntax of the fish scripts'
		;;
	*)
		echo "need.sh: $1 is no target; there are build, demo, test, lint" >&2
		exit 2
		;;
	esac
}

install_packages() {
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "There is no apt-get here, so please install the equivalents of these Debian packages:$packages" >&2
		exit 1
	fi
	as_root=
	if [ "$(id -u)" -ne 0 ]; then
		as_root=sudo
		if ! command -v sudo >/dev/null 2>&1; then
			echo "Installing takes root's rights, and there is no sudo. As root, please run: apt-get install$packages" >&2
			exit 1
		fi
	fi
	echo "Installing:$packages"
	# Stale package lists name files that are gone; without a network the lists that are there may still do.
	$as_root apt-get -qq update || true
	# shellcheck disable=SC2086 # one word per package
	if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $packages; then
		echo "apt-get could not install:$packages. Its own words are above; please install them by hand and try again." >&2
		exit 1
	fi
}

want_for "$1"
[ -z "$packages" ] || install_packages
