# shellcheck shell=bash
# `factory worker …` runs `factory-worker …`; everything else goes unchanged to the real `factory`.
# Opt in from ~/.bashrc by sourcing this file.

function factory() {
	if [[ ${1-} == worker ]]; then
		command factory-worker "${@:2}"
	else
		command factory "$@"
	fi
}

# Behind `factory worker` the words are completed as factory-worker's, elsewhere as they were before.
_factory_or_worker() {
	if [[ $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} == worker ]]; then
		declare -F _factory_worker >/dev/null || eval "$(command factory-worker completions bash 2>/dev/null)"
		compopt +o default
		_factory_worker "$@"
	else
		COMPREPLY=()
		[[ ! $_factory_before ]] || "$_factory_before" "$@"
		[[ $COMP_CWORD -gt 1 || worker != "$2"* ]] || COMPREPLY+=(worker)
	fi
}

if [[ $(complete -p factory 2>/dev/null) =~ \ -F\ ([^ ]+) ]]; then
	[[ ${BASH_REMATCH[1]} == _factory_or_worker ]] || _factory_before=${BASH_REMATCH[1]}
else
	_factory_before=''
fi
complete -o default -F _factory_or_worker factory
