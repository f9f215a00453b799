# `factory worker …` runs `factory-worker …`; everything else goes unchanged to the real `factory`.
# Opt in from ~/.zshrc, behind compinit, by sourcing this file.

function factory() {
	if [[ ${1-} == worker ]]; then
		command factory-worker "${@:2}"
	else
		command factory "$@"
	fi
}

# Behind `factory worker` the words are completed as factory-worker's, elsewhere as they were before.
_factory_or_worker() {
	if ((CURRENT > 2)) && [[ $words[2] == worker ]]; then
		(($+functions[_factory-worker])) || eval "$(command factory-worker completions zsh 2>/dev/null)"
		_factory-worker
	else
		((CURRENT > 2)) || compadd -- worker
		${_factory_before:-_default} "$@"
	fi
}

if (($+functions[compdef])); then
	[[ ${_comps[factory]-} == _factory_or_worker ]] || _factory_before=${_comps[factory]-}
	compdef _factory_or_worker factory
fi
