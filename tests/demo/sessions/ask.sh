#!/bin/sh
# An agent that has a question, and acts on the answer.
while :; do
	printf '\033[1mThe tests pass. Deploy to production?\033[0m [y/N] '
	read -r answer || exit
	printf 'You said: %s\n\n' "$answer"
done
