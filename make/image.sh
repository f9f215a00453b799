#!/bin/sh
# Builds the worker image: image.sh IMAGE [--build-arg NAME=VALUE…]
set -eu
cd "${0%/*}/.."
image=$1
shift

die() {
	printf '%s\n' "$@" >&2
	exit 1
}

command -v docker >/dev/null 2>&1 ||
	die 'docker is missing. Debian has it as docker.io (from trixie on with docker-cli and docker-buildx), Docker as docker-ce.'
# The client tells its version also when there is no daemon.
said=$(docker version --format '{{.Server.Version}}' 2>&1) || die 'docker has no daemon to build with:' "$said"
client=$(docker version --format '{{.Client.Version}}')
# The Dockerfile is for BuildKit. Docker 20.10, which Debian bookworm has, knows it and has to be told; from 23 on it is a plugin
# of the client.
case ${client%%.*} in
[1-9] | 1[0-9]) die "docker $client is too old: the image needs BuildKit, of 20.10 or later." ;;
20) ;;
*)
	docker buildx version >/dev/null 2>&1 ||
		die "docker $client builds with its plugin buildx, which is missing: it is in the package docker-buildx (Debian) or docker-buildx-plugin (Docker)."
	;;
esac
DOCKER_BUILDKIT=1 exec docker build --platform linux/amd64 --file deploy/Dockerfile --tag "$image" "$@" .
