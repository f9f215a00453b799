#!/bin/sh
# An agent with nothing to do.
echo 'All done. Waiting for an issue.'
exec tail -f /dev/null
