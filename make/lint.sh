#!/bin/sh
# Everything that is checked without running the product.
set -eu
cd "$(dirname "$0")/.."

# files EXTENSION: the scripts with this extension, NUL between them.
files() {
	find . \( -name target -o -name .git \) -prune -o -type f -name "*.$1" -print0
}

# scripts: what sh or bash runs: by extension, or without one and with a shell in the first line.
scripts() {
	files sh
	files bash
	files tmux
	find . \( -name target -o -name .git \) -prune -o -type f ! -name '*.*' -print | while IFS= read -r file; do
		first=
		IFS= read -r first <"$file" || true
		case $first in '#!'*sh) printf '%s\0' "$file" ;; esac
	done
}

say() {
	printf '%s\n' "lint: $1"
}

say 'cargo fmt'
cargo fmt --all --check
say 'cargo clippy'
cargo clippy --locked --workspace --exclude fuzz --all-targets -- -D warnings
# The product's files are in it too, and their tests need what it does not have.
cargo clippy --locked --package fuzz --bins -- -D warnings
say shellcheck
# -x: follow what a script sources.
scripts | xargs -0 shellcheck -x
say shfmt
scripts | xargs -0 shfmt -d
say 'zsh -n'
files zsh | xargs -0 -n 1 zsh -n
say 'fish -n'
files fish | xargs -0 fish -n
say fine
