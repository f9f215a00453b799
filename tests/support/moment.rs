//! What comes between a look at a session and what is then typed into it.

/// A `tmux` for a worker that, once there is a file `armed` in HOME, first ends the program of its session's pane, which stays,
/// when it is about to type something.
pub fn dies_before_it_is_typed_into(session: &str) -> String {
    before_it_types(&format!(
        "kill -9 \"$(real display-message -p -t '={session}:' '#{{pane_pid}}')\"\n\
         until [ \"$(real display-message -p -t '={session}:' '#{{pane_dead}}')\" = 1 ]; do sleep 0.01; done"
    ))
}

/// The same, where somebody begins to scroll.
#[allow(dead_code)] // every test binary uses its own part
pub fn scrolls_before_it_is_typed_into(session: &str) -> String {
    before_it_types(&format!("real copy-mode -t '={session}:'"))
}

fn before_it_types(sh: &str) -> String {
    format!(
        "#!/bin/sh\nPATH=${{PATH#*:}}\nsocket=\n[ \"$1\" != -S ] || socket=$2\nreal() {{ tmux ${{socket:+-S \"$socket\"}} \"$@\"; }}\n\
         case $* in\n*load-buffer* | *send-keys*)\n! rm \"$HOME/armed\" 2>/dev/null || {{\n{sh}\n}} </dev/null >&2\n;;\nesac\n\
         exec tmux \"$@\"\n"
    )
}
