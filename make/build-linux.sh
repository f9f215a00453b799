#!/bin/sh
# Makes the static helper for linux/amd64 that the worker image takes: deploy/bin/factory-worker
set -eu
cd "$(dirname "$0")/.."

musl=x86_64-unknown-linux-musl
gnu=x86_64-unknown-linux-gnu
if rustup target list --installed 2>/dev/null | grep -qx "$musl"; then
	target=$musl
elif [ "$(uname -sm)" = 'Linux x86_64' ]; then
	# The C library is linked in; nothing of ours asks it for what it would load at run time.
	target=$gnu
	export RUSTFLAGS="${RUSTFLAGS-} -C target-feature=+crt-static"
else
	cat >&2 <<-END
		This machine cannot make a program for linux/amd64 yet. Either
		    rustup target add $musl
		with a linker for it (see https://doc.rust-lang.org/cargo/reference/config.html#targettriplelinker), or run this on
		linux/amd64.
	END
	exit 1
fi
cargo build --release --locked --target "$target"
built=${CARGO_TARGET_DIR:-target}/$target/release/factory-worker
# Another image has other libraries, or none. Only Linux can tell.
if [ "$(uname -s)" = Linux ] && ! LC_ALL=C ldd "$built" 2>&1 | grep -Eiq 'statically linked|not a (valid )?dynamic'; then
	echo "$built is not static: it needs the libraries of this machine." >&2
	exit 1
fi
mkdir -p deploy/bin
install -m 755 "$built" deploy/bin/factory-worker
ls -l deploy/bin
