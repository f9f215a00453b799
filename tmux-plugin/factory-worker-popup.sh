#!/bin/sh
# What a popup of the plugin runs: factory-worker-popup.sh WHAT PROGRAM. The key's binding has put the client and the pane that
# it was pressed in into the session's environment, as "CLIENT PANE".

what=$1 program=$2 at=${FACTORY_WORKER_AT-}

# Until the program takes the terminal: keys that come early are kept for it as they are, and not shown.
stty -icanon -echo -icrnl

# It was for this popup, and not for what is opened from here. tmux must not touch the terminal that it finds as its input.
unset FACTORY_WORKER_AT
tmux set-environment -u -t "\$${TMUX##*,}" FACTORY_WORKER_AT </dev/null

export FACTORY_WORKER_CLIENT="${at% *}" TMUX_PANE="${at##* }"
[ ! -x "$program" ] || exec "$program" popup "$what"

# It was there when the key was bound. Perhaps there is another one now.
"${0%-popup.sh}.tmux" -
echo '(Escape closes this)'
# tmux keeps the popup of what failed.
exit 1
