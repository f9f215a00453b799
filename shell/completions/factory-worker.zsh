#compdef factory-worker
# Completion of factory-worker for zsh: a file named _factory-worker in a directory of $fpath,
# or behind compinit:  eval "$(factory-worker completions zsh)"

_factory-worker() {
	local line value typed=''
	local -a before plain described texts
	local -i width=0
	# zsh itself compares the candidates with the word, by the user's own matching rules, and quotes the one it takes.
	# Only options are asked for by what is typed.
	[[ $PREFIX == -* ]] && typed=$PREFIX
	before=("${(@Q)words[1,CURRENT-1]}")
	for line in "${(@f)$(command factory-worker complete --index $((CURRENT - 1)) -- "${before[@]}" "$typed" 2>/dev/null)}"; do
		value=${line%%$'\t'*}
		if [[ $line == $'\tfiles' ]]; then
			[[ $PREFIX == -*=* ]] && compset -P '*='
			_files
		elif [[ $line == *$'\t'* ]]; then
			described+=("$value") texts+=("${line#*$'\t'}")
			((width = $#value > width ? $#value : width))
		elif [[ -n $value ]]; then
			plain+=("$value")
		fi
	done
	local -a shown
	local -i i
	for ((i = 1; i <= $#described; i++)); do
		shown+=("${(r:width:)described[i]}  -- ${texts[i]}")
	done
	compadd -l -d shown -a -- described
	compadd -a -- plain
}

# Found through $fpath, this file is the function's body on its first call; otherwise it is being evaluated.
if [[ ${funcstack[1]} == _factory-worker ]]; then
	_factory-worker "$@"
else
	compdef _factory-worker factory-worker
fi
