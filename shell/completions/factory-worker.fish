# Completion of factory-worker for fish:  factory-worker completions fish | source

function __factory_worker_complete
    # fish itself compares the candidates with the word, by its own matching rules, and quotes the one it takes. Only
    # options are asked for by what is typed.
    # -x is new in fish 4, which warns of -o.
    set -l before (commandline -xpc 2>/dev/null; or commandline -opc)
    set -l typed (commandline -ct)
    string match -q -- '-*' $typed; or set typed ''
    command factory-worker complete --index (count $before) -- $before $typed 2>/dev/null
end

complete -c factory-worker -f -a '(__factory_worker_complete)'
complete -c factory-worker -l workers -r -F
