#!/bin/sh
# Sees to it that this machine has what a make target needs, and installs what is missing: need.sh build|demo|test|test-tmux|bench|lint|fuzz
set -eu

packages='' downloads=''
# What only the tests use, and no package manager knows of; `make test` has it on PATH.
tools=$(cd "$(dirname "$0")/.." && pwd)/target/tools

# want COMMAND PACKAGES WHY: remembers the Debian packages when there is no such command.
want() {
	command -v "$1" >/dev/null 2>&1 && return
	echo "$1 is missing: $3. It is in the Debian package $2."
	packages="$packages $2"
}

# kubectl 1.31 is the first whose exec is a websocket by default.
kubectl_minor=31

# minor_of KUBECTL: its minor version, 0 when it has none.
minor_of() {
	"$1" version --client 2>/dev/null | sed -n 's/^Client Version: v1\.\([0-9]*\).*/\1/p' | grep . || echo 0
}

want_kubectl() {
	! command -v kubectl >/dev/null 2>&1 || [ "$(minor_of kubectl)" -lt "$kubectl_minor" ] || return 0
	[ "$(minor_of "$tools/kubectl")" -lt "$kubectl_minor" ] || return 0
	echo "kubectl 1.$kubectl_minor or later is missing: the tests of pods run through the real one."
	# A fresh machine has no lists of packages, and so no answer to what the distribution offers.
	! command -v apt-get >/dev/null 2>&1 || update_lists
	offered=$(apt-cache policy kubernetes-client 2>/dev/null | sed -n 's/^ *Candidate: [0-9]*:\{0,1\}1\.\([0-9]*\)\..*/\1/p')
	if [ "${offered:-0}" -ge "$kubectl_minor" ]; then
		packages="$packages kubernetes-client"
	else
		want curl 'curl ca-certificates' 'it fetches kubectl'
		downloads=kubectl
	fi
}

# Where the official releases of kubectl are, or a mirror of them.
releases=${KUBECTL_RELEASES:-https://dl.k8s.io/release}

# The official release, into target/tools: nothing outside this directory changes.
download_kubectl() {
	case $(uname -m) in
	x86_64) machine=amd64 ;;
	aarch64 | arm64) machine=arm64 ;;
	*) machine=$(uname -m) ;;
	esac
	system=$(uname -s | tr '[:upper:]' '[:lower:]')
	mkdir -p "$tools"
	if version=$(curl -fsSL --max-time 60 "$releases/stable.txt") &&
		release="$releases/$version/bin/$system/$machine/kubectl" &&
		sum=$(curl -fsSL --max-time 60 "$release.sha256") &&
		curl -fsSL --max-time 600 -o "$tools/kubectl.new" "$release" &&
		echo "$sum  $tools/kubectl.new" | sha256sum -c --quiet; then
		chmod 755 "$tools/kubectl.new"
		mv "$tools/kubectl.new" "$tools/kubectl"
		echo "Installed kubectl $version in $tools."
	else
		rm -f "$tools/kubectl.new"
		echo "kubectl can be had neither from the distribution nor from $releases; please install 1.$kubectl_minor or later by hand and try again." >&2
		exit 1
	fi
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
	test-tmux)
		want debootstrap debootstrap 'it brings other versions of tmux'
		want unshare util-linux 'they are put where tests look for tmux, and nobody else'
		want_for test
		;;
	test)
		want tmux tmux 'most tests press keys in a real one'
		want ps procps 'tests look for processes that were left behind'
		want zsh zsh 'the completions are tested in it'
		want fish fish 'the completions are tested in it'
		[ -e /usr/share/bash-completion/bash_completion ] || want bash-completion bash-completion 'the completions are tested with it, too'
		want busybox busybox 'what runs inside a worker is tested under its sh'
		want dash dash 'what runs inside a worker is tested under it'
		want git git 'tests look at what is in the repository'
		want perl perl 'a stand-in for an agent is written in it'
		want curl curl 'fetching kubectl is tested with it'
		want_kubectl
		want shellcheck shellcheck 'the commands that build the worker image are tested with it'
		want tini tini 'the worker image runs under it'
		# Debian has it in a directory that is not on everybody's PATH.
		PATH=$PATH:/usr/sbin want nginx nginx-light 'it stands in front of the simulated cluster'
		;;
	bench)
		want tmux tmux 'factory-worker is measured beside it'
		want xargs findutils 'factory-worker is measured beside it'
		want_kubectl
		;;
	lint)
		want c++ 'g++' 'clippy checks the fuzz targets, and with them comes libFuzzer'
		want shellcheck shellcheck 'it checks every script'
		want shfmt shfmt 'it checks the layout of every script'
		want zsh zsh 'it checks the syntax of the zsh scripts'
		want fish fish 'it checks the syntax of the fish scripts'
		;;
	fuzz)
		want c++ 'g++' 'it compiles libFuzzer'
		;;
	*)
		echo "need.sh: $1 is no target; there are build, demo, test, test-tmux, bench, lint, fuzz" >&2
		exit 2
		;;
	esac
}

# find_root: as_root is what a command needs before it to run as root; fails where nobody can become root.
find_root() {
	as_root=
	[ "$(id -u)" -ne 0 ] || return 0
	as_root=sudo
	command -v sudo >/dev/null 2>&1
}

# Stale lists of packages name files that are gone; without a network, or without root's rights, the lists that are there may still do.
update_lists() {
	[ -z "${updated:-}" ] || return 0
	updated=yes
	! find_root || $as_root apt-get -qq update || true
}

install_packages() {
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "There is no apt-get here, so please install the equivalents of these Debian packages:$packages" >&2
		exit 1
	fi
	if ! find_root; then
		echo "Installing takes root's rights, and there is no sudo. As root, please run: apt-get install$packages" >&2
		exit 1
	fi
	echo "Installing:$packages"
	update_lists
	# shellcheck disable=SC2086 # one word per package
	if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $packages; then
		echo "apt-get could not install:$packages. Its own words are above; please install them by hand and try again." >&2
		exit 1
	fi
}

want_for "$1"
[ -z "$packages" ] || install_packages
[ -z "$downloads" ] || download_kubectl
