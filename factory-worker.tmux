#!/usr/bin/env bash
# TPM runs what ends in .tmux at the root of a plugin; this plugin lives one directory down.
exec "$(dirname -- "${BASH_SOURCE[0]}")/tmux-plugin/factory-worker.tmux" "$@"
