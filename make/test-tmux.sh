#!/bin/sh
# Runs suites of tests with the operator's tmux and the workers' tmux chosen apart, and prints as a table which pairs passed.
# The versions are those of Debian's suites, each brought by debootstrap into target/tmux; the terminal in which tests press
# keys is this machine's own tmux all the time.
#
# TMUX_SUITES: Debian's suites, or any tree that is in target/tmux already.
# TMUX_PAIRS: OPERATOR:WORKERS, two of these each; without it every two of different versions, in both directions.
# TMUX_TESTS: the suites of tests.
set -eu
cd "$(dirname "$0")/.."

: "${TMUX_SUITES:=bookworm trixie testing sid}"
: "${TMUX_TESTS:=tmux_pairs windows seamless copy_mode plugin_keys plugin_popups picker_keys picker_preview picker_sizes fidelity
	restored terminal_types hostile hostile_words doctor nudge nudge_form dispatch_form peek list interrupted leftovers reconnect
	first_connection pods pod_windows pod_keys pod_sending gc_session gc_agent}"
trees=$PWD/target/tmux
mine=$(command -v tmux)
newline='
'

as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo

# mirror: where this machine has its Debian packages from; nothing where it is no Debian, and debootstrap knows one itself.
# shellcheck disable=SC2016 # apt-get fills it in
mirror() {
	apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(SITE)' 'Created-By: Packages' |
		sed -n 's/^Debian main //p' | head -n 1
}

# bring SUITE: its tree.
bring() {
	[ ! -x "$trees/$1/usr/bin/tmux" ] || return 0
	echo "fetching the tmux of $1"
	$as_root rm -rf "$trees/$1" "$trees/$1.new"
	mirror=$(mirror)
	if ! $as_root debootstrap --variant=minbase --include=tmux "$1" "$trees/$1.new" ${mirror:+"$mirror"} >"$trees/$1.log" 2>&1; then
		tail -n 5 "$trees/$1.log" >&2
		exit 1
	fi
	# Only now: what was begun and not finished is no tree.
	$as_root mv "$trees/$1.new" "$trees/$1"
}

# command_line SUITE: what runs its tmux with the libraries that it was built for, and this machine's files.
command_line() {
	for loader in "$trees/$1"/usr/lib/*/ld-linux*.so.*; do
		printf "'%s' --library-path '%s' '%s'" "$loader" "${loader%/*}" "$trees/$1/usr/bin/tmux"
	done
}

# version_of SUITE
version_of() {
	eval "$(command_line "$1") -V" | sed 's/^tmux //'
}

# chooser OPERATOR WORKERS: a tmux that is another one for each server it is asked about. Tests give every server a socket: the
# terminal's is outer.sock or other.sock, the operator's inner.sock, all others are workers'. A pod has a directory for its
# sockets; who has none, and is not inside a tmux, wants to know the version of the operator's.
chooser() {
	cat <<-END
		#!/bin/sh
		socket=\${TMUX-} flag=''
		socket=\${socket%%,*}
		for word in "\$@"; do
			case \$flag\$word in
			-S?*) socket=\$word && break ;;
			-[TLfc]?*) flag='' ;;
			-[STLfc]) flag=\$word ;;
			-*) ;;
			*) break ;;
			esac
		done
		case \$socket in
		*/outer.sock | */other.sock) exec '$trees/terminal/tmux' "\$@" ;;
		*/inner.sock) exec $(command_line "$1") "\$@" ;;
		*) [ -n "\$socket\${TMUX_TMPDIR-}" ] || exec $(command_line "$1") "\$@" ;;
		esac
		exec $(command_line "$2") "\$@"
	END
}

# run OPERATOR WORKERS: runs the suites; what they say goes to a file. Prints how it was, in a few words.
run() {
	log=$trees/$1-$2.log
	chooser "$1" "$2" >"$trees/chooser"
	chmod 755 "$trees/chooser"
	# Where nobody else sees it, so that pods, which have a PATH of their own, find it too.
	# shellcheck disable=SC2016 # it is the other shell that reads this
	in_its_place='mount --bind "$1" "$2" && shift 2 && exec "$@"'
	set -- cargo test --locked --no-fail-fast
	for suite in $TMUX_TESTS; do
		set -- "$@" --test "$suite"
	done
	status=0
	$as_root env -u TMUX -u TMUX_PANE PATH="$PATH" unshare --mount sh -c "$in_its_place" sh "$trees/chooser" "$mine" "$@" \
		>"$log" 2>&1 || status=$?
	sed -n 's/^test result: .*\. \([0-9]*\) passed; \([0-9]*\) failed.*/\1 \2/p' "$log" |
		awk -v status="$status" '{ passed += $1; failed += $2 }
			END {
				if (failed) printf "%d of %d failed\n", failed, passed + failed
				else if (status || !passed) print "did not run"
				else printf "%d passed\n", passed
			}'
}

# cell OPERATOR-VERSION WORKERS-VERSION: what is known of the pair.
cell() {
	found=$(printf '%s' "$results" | sed -n "s/^$1 $2 //p")
	printf ' %s |' "${found:-–}"
}

mkdir -p "$trees/terminal"
# Renamed, since one that still runs cannot be written to.
cp "$mine" "$trees/terminal/new"
mv "$trees/terminal/new" "$trees/terminal/tmux"
suites='' versions=''
for suite in $TMUX_SUITES; do
	bring "$suite"
	version=$(version_of "$suite")
	case " $versions " in
	*" $version "*) continue ;;
	esac
	suites="$suites $suite" versions="$versions $version"
done
if [ -z "${TMUX_PAIRS:-}" ]; then
	for operator in $suites; do
		for workers in $suites; do
			[ "$operator" = "$workers" ] || TMUX_PAIRS="${TMUX_PAIRS:-} $operator:$workers"
		done
	done
fi

cargo test --locked --no-run
results='' failed=''
for pair in $TMUX_PAIRS; do
	operator=${pair%:*} workers=${pair#*:}
	line="$(version_of "$operator") $(version_of "$workers") $(run "$operator" "$workers")"
	results=$results$line$newline
	echo "operator's, workers': $line"
	case $line in
	*passed) ;;
	*)
		failed=yes
		sed -n 's/^test \(.*\) \.\.\. FAILED$/  \1/p' "$trees/$operator-$workers.log"
		;;
	esac
done

echo
printf "| operator's ↓ workers' → |"
for workers in $versions; do
	printf ' %s |' "$workers"
done
printf '\n|---|'
for workers in $versions; do
	printf -- '---|'
done
echo
for operator in $versions; do
	printf '| %s |' "$operator"
	for workers in $versions; do
		cell "$operator" "$workers"
	done
	echo
done
[ -z "$failed" ]
