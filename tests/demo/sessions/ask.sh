#!/usr/bin/env bash
# An agent that has a question, and acts on the answer. It has a line editor, as agents have.
while read -r -e -p 'The tests pass. Deploy to production? [y/N] ' answer; do
	printf 'You said: %s\n\n' "$answer"
done
