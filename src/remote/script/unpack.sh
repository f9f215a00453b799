# shellcheck shell=sh
# Runs a script that was packed. Argument: gzip in base64, with - and _ for + and /, which are three bytes each in a URL. Exit
# status 83: this shell cannot unpack it. Nothing of it ran then.
text=$({ printf %s "$1" | tr _- /+ | base64 -d | { gzip -d || gunzip; }; } 2>/dev/null)
case $text in
*'#.') eval "$text" ;;
esac
exit 83
