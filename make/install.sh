#!/bin/sh
# Installs factory-worker under a prefix: install.sh [--remove] PREFIX
set -eu
cd "$(dirname "$0")/.."

remove=
if [ "$1" = --remove ]; then
	remove=yes
	shift
fi
prefix=$1
bin=$prefix/bin
man=$prefix/share/man/man1
bash=$prefix/share/bash-completion/completions
zsh=$prefix/share/zsh/site-functions
fish=$prefix/share/fish/vendor_completions.d
functions=$prefix/share/factory-worker
providers='gc-events-k8s gc-session-k8s'

# put MODE FILE TARGET
put() {
	mkdir -p "$(dirname "$3")"
	install -m "$1" "$2" "$3"
}

# ours PROVIDER: whether the name is free, or a link to us. Gas City's own script of that name stays where it is.
ours() {
	[ "$(readlink "$bin/$1")" = factory-worker ] || ! [ -e "$bin/$1" ]
}

# from_cargo KEY: the value of this key in what cargo said of our own package, the only one with a path.
from_cargo() {
	printf '%s\n' "$built" | sed -n "/\"path+file:/s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | tail -n 1
}

if [ "$remove" ]; then
	! [ -x "$bin/factory-worker" ] || "$bin/factory-worker" hub stop >/dev/null 2>&1 || true
	rm -f "$bin/factory-worker" "$man/factory-worker.1" "$man"/factory-worker-*.1 "$bash/factory-worker" \
		"$zsh/_factory-worker" "$fish/factory-worker.fish"
	rm -rf "$functions"
	for provider in $providers; do
		! ours "$provider" || rm -f "$bin/$provider"
	done
	echo "factory-worker is gone from $prefix. Its state is in ~/.local/state/factory-worker, its registry in ~/.factory."
	exit
fi

built=$(cargo build --release --locked --message-format=json-render-diagnostics)
program=$(from_cargo executable)
pages=$(from_cargo out_dir)/man

put 755 "$program" "$bin/factory-worker"
# Gas City starts a provider by its name alone.
for provider in $providers; do
	if ours "$provider"; then
		ln -sf factory-worker "$bin/$provider"
	else
		echo "$bin/$provider is not ours, and stays."
	fi
done
rm -f "$man"/factory-worker-*.1
for page in "$pages"/*.1; do
	put 644 "$page" "$man/${page##*/}"
done
put 644 shell/completions/factory-worker.bash "$bash/factory-worker"
put 644 shell/completions/factory-worker.zsh "$zsh/_factory-worker"
put 644 shell/completions/factory-worker.fish "$fish/factory-worker.fish"
for shell in bash zsh fish; do
	put 644 "shell/factory-worker.$shell" "$functions/factory-worker.$shell"
done

cat <<END
Installed:
    $bin/factory-worker
    $bin/gc-events-k8s, gc-session-k8s (the same, for Gas City)
    $man/factory-worker*.1
    $bash/factory-worker
    $zsh/_factory-worker
    $fish/factory-worker.fish
    $functions/factory-worker.bash, .zsh, .fish

The tmux plugin stays here. In ~/.tmux.conf:
    run-shell '$PWD/factory-worker.tmux'
zsh finds its completions when this stands before compinit in ~/.zshrc:
    fpath=($zsh \$fpath)
To keep the spelling "factory worker …", source $functions/factory-worker.bash (or .zsh, .fish).
END
case :$PATH: in
*":$bin:"*) ;;
*)
	cat <<-END
		$bin is not on your PATH. In your shell's start file:
		    export PATH="$bin:\$PATH"
	END
	;;
esac
