# Completion of factory-worker for fish:  factory-worker completions fish | source

# The words before the cursor, without the targets of redirections, which fish takes for words of the command.
function __factory_worker_before
    # -x is new in fish 4, which warns of -o.
    set -l before (commandline -xpc 2>/dev/null; or commandline -opc)
    # The same words with nothing quoted in them, and a > in front of each target.
    set -l bare (commandline -pc | string collect)
    set bare (string replace -ra '"(\\\\.|[^"\\\\])*"|\'(\\\\.|[^\'\\\\])*\'|\\\\.' x -- $bare | string collect)
    set bare (string replace -ra '((?<=\s)\d+|&)?[<>]{1,2}[&?|]?\s*' ' >' -- $bare | string collect)
    set bare (string split -n ' ' -- (string replace -ra '\s+' ' ' -- $bare))
    for place in (seq (count $before))
        string match -q '>*' -- $bare[$place]; or echo -- $before[$place]
    end
end

function __factory_worker_complete
    # fish itself compares the candidates with the word, by its own matching rules, and quotes the one it takes. Only
    # options are asked for by what is typed.
    set -l before (__factory_worker_before)
    set -l typed (commandline -ct)
    string match -q -- '-*' $typed; or set typed ''
    command factory-worker complete --index (count $before) -- $before $typed 2>/dev/null
end

complete -c factory-worker -f -a '(__factory_worker_complete)'
complete -c factory-worker -l workers -r -F
