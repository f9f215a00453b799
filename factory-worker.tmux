#!/usr/bin/env bash
# TPM runs what ends in .tmux at the root of a plugin; this plugin lives one directory down.
exec "$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" >/dev/null && pwd)/tmux-plugin/factory-worker.tmux" "$@"
