# `factory worker …` runs `factory-worker …`; everything else goes unchanged to the real `factory`.
# Opt in from ~/.config/fish/config.fish by sourcing this file.

function factory --description 'factory, and factory-worker as "factory worker"'
    if test "$argv[1]" = worker
        command factory-worker $argv[2..]
    else
        command factory $argv
    end
end

# Behind `factory worker` the words are completed as factory-worker's, elsewhere as they were before.
function __factory_worker_is_meant
    set -l before (commandline -xpc 2>/dev/null; or commandline -opc)
    test "$before[2]" = worker; or return
    functions -q __factory_worker_complete; or command factory-worker completions fish 2>/dev/null | source
end

complete -c factory -n __fish_is_first_arg -a worker -d 'Agents in remote pods'
complete -c factory -n __factory_worker_is_meant -f -a '(__factory_worker_complete)'
complete -c factory -n __factory_worker_is_meant -l workers -r -F
