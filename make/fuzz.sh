#!/bin/sh
# Fuzzes everything that takes text from elsewhere apart: fuzz.sh SECONDS [SEED], for each target. As many targets at a
# time as there are processors. The same seed tries the same inputs in the same order; without one, every run tries others.
# What makes a target fail is left in target/fuzz/failures, with the command that shows it again.
set -eu
cd "$(dirname "$0")/.."

seconds=$1 seed=${2:-0}
# Where builds with these flags do not displace the ordinary ones.
CARGO_TARGET_DIR=$PWD/target/fuzz
export CARGO_TARGET_DIR
# libFuzzer's counters, by flags that a stable compiler takes. The product has no unsafe code of its own, so no sanitizer
# is needed, and none of them works without a nightly compiler.
RUSTFLAGS='--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4'
RUSTFLAGS="$RUSTFLAGS -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
RUSTFLAGS="$RUSTFLAGS -Cllvm-args=-sanitizer-coverage-trace-compares"
export RUSTFLAGS

# With a target given, build scripts and macros are spared these flags.
host=$(rustc -vV | sed -n 's/^host: //p')
cargo build --locked --package fuzz --bins --profile fuzz --target "$host"

programs=$CARGO_TARGET_DIR/$host/fuzz
failures=$CARGO_TARGET_DIR/failures
mkdir -p "$failures"

# one TARGET: fuzzes it; new findings go beside the build, the committed corpus is only read.
one() {
	target=$1
	found=$CARGO_TARGET_DIR/corpus/$target
	mkdir -p "$found"
	if "$programs/$target" -max_total_time="$seconds" -seed="$seed" -max_len=8192 -timeout=5 -rss_limit_mb=512 \
		-print_final_stats=1 -artifact_prefix="$failures/$target-" "$found" "fuzz/corpus/$target" >"$found.log" 2>&1; then
		echo "fuzz: $target: fine after $(sed -n 's/^stat::number_of_executed_units: *//p' "$found.log") runs"
	else
		tail -n 30 "$found.log"
		echo "fuzz: $target: FAILED; to see it again: $programs/$target $failures/$target-…"
		return 1
	fi
}

status=0
running=''
count=0
for file in fuzz/targets/*.rs; do
	target=${file##*/}
	one "${target%.rs}" &
	running="$running $!"
	count=$((count + 1))
	if [ "$count" -ge "$(getconf _NPROCESSORS_ONLN)" ]; then
		for process in $running; do
			wait "$process" || status=1
		done
		running='' count=0
	fi
done
for process in $running; do
	wait "$process" || status=1
done
exit "$status"
