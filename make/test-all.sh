#!/bin/sh
# Runs every test, then whatever has to do with what runs inside workers once more on workers that are otherwise: with nothing but
# busybox and tmux, and with a first process that reaps nothing.
set -eu
cd "$(dirname "$0")/.."

sh make/test.sh
ALL_RELAYED=yes sh make/test.sh --long
suites='copy_mode fidelity first_connection leftovers leftovers_stuck nudge peek pod_commands pod_faults pod_keys pod_replaced
	pod_sending pod_traces pod_unproven pod_windows pods reconnect reconnect_network reconnect_stalls reconnect_unseen restored seamless
	soak windows'
for workers in busybox reaps-nothing; do
	echo "Workers with $workers:"
	# shellcheck disable=SC2086 # one word for each suite
	TEST_WORKERS=$workers sh make/test.sh $suites
done
