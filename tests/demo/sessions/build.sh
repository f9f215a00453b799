#!/bin/sh
# A build that never ends, and writes a line now and then.
crate=0
while :; do
	crate=$((crate + 1))
	if [ $((crate % 7)) -eq 0 ]; then
		printf '\033[1;33m     Warning\033[0m crate-%d has an unused import\n' "$crate"
	else
		printf '\033[1;32m   Compiling\033[0m crate-%d v0.%d.0\n' "$crate" $((crate * 7 % 10))
	fi
	sleep 0.7
done
