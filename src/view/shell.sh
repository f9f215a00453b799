# shellcheck shell=sh
# Needs: sh
# Uses: bash
#
# A shell on a worker; in a polecat's pod, where its agent works. bash, when there is one. Argument: the terminal's type.
export TERM="$1"
cd /workspace/repo 2>/dev/null || cd /workspace 2>/dev/null || :
if command -v bash >/dev/null 2>&1; then
	exec bash
fi
exec sh
