# shellcheck shell=bash
# Completion of factory-worker for bash:  eval "$(factory-worker completions bash)"

# Takes LINE apart as the shell would, expanding nothing. Sets the caller's `words`, without quotes and redirections; `quote`, the
# quote that is still open at the end; and `redirected`, the redirection whose target the last word is, if it is one.
_factory_worker_split() {
	local line=$1 char i started='' quoted=''
	words=() quote='' redirected=''
	for ((i = 0; i < ${#line}; i++)); do
		char=${line:i:1}
		if [[ ! $quote && $char == [[:space:]] ]]; then
			# The target of a redirection is no word of the command.
			[[ ! $started || ! $redirected ]] || { unset "words[${#words[@]}-1]" && redirected=''; }
			started='' && continue
		elif [[ ! $quote && $char == [\<\>] && ${line:i+1:1} != '(' ]]; then
			# Nor is the descriptor in front of one.
			[[ ! $started || ! $redirected && ($quoted || ${words[${#words[@]} - 1]} =~ [^0-9]) ]] || unset "words[${#words[@]}-1]"
			redirected=$char started=''
			while [[ ${line:i+1:1} == [\<\>\&\|] ]]; do i=$((i + 1)) redirected+=${line:i:1}; done
			continue
		fi
		[[ $started ]] || words+=('') quoted=''
		started=yes
		case $quote$char in
		\'\' | \"\") quote='' && continue ;;
		\' | \") quote=$char quoted=yes && continue ;;
		\\) i=$((i + 1)) char=${line:i:1} quoted=yes ;;
		\"\\) [[ ${line:i+1:1} != [\"\\\$\`] ]] || { i=$((i + 1)) && char=${line:i:1}; } ;;
		esac
		words[${#words[@]} - 1]+=$char
	done
	[[ $started ]] || words+=('')
}

# Sets the caller's `word` to VALUE as it is written inside the quote QUOTE, or outside of any.
_factory_worker_quote() {
	local char escaped
	word=$1
	case $2 in
	'') printf -v word %q "$1" ;;
	\') escaped="'\\''" word=${word//\'/"$escaped"} ;;
	\")
		for char in \\ \" \$ \`; do
			escaped=\\$char word=${word//"$char"/"$escaped"}
		done
		# History expansion works inside double quotes, and a backslash there would stay.
		escaped='"\!"' word=${word//!/"$escaped"}
		;;
	esac
	# Readline closes the quote unless it sees one there.
	[[ ! $2 || $word != *"$2" ]] || word+=$2
}

_factory_worker() {
	# Readline replaces only $2, the end of the word: what is behind an open quote or one of COMP_WORDBREAKS.
	local line=${COMP_LINE:0:COMP_POINT} words quote redirected kept inside value word
	_factory_worker_split "${line%"$2"}"
	kept=${words[${#words[@]} - 1]} inside=$quote
	_factory_worker_split "$line"
	COMPREPLY=()
	if [[ $redirected ]]; then
		# A file, unless the text itself follows.
		[[ $redirected == '<<'* ]] || compopt -o default
		return
	fi
	while IFS= read -r value; do
		value=${value%%$'\t'*}
		if [[ ! $value ]]; then
			compopt -o default
		elif [[ $value != "$kept" ]]; then
			_factory_worker_quote "${value#"$kept"}" "$inside"
			COMPREPLY+=("$word")
		fi
	done < <(command factory-worker complete --index $((${#words[@]} - 1)) -- "${words[@]}")
} 2>/dev/null

complete -F _factory_worker factory-worker
