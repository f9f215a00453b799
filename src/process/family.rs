//! What can be seen of a process from outside: its children, and whether it talks to anybody.

use std::fs;
use std::process::{Command, Stdio};

/// The processes that `process` has started; `None` where the kernel does not say (no /proc, or one without this list).
pub fn children_of(process: i32) -> Option<Vec<i32>> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?.flatten();
    let mut children = Vec::new();
    let mut told = false;
    for list in threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok()) {
        told = true;
        children.extend(list.split_whitespace().filter_map(|id| id.parse::<i32>().ok()));
    }
    told.then_some(children)
}

/// Whether a process has children, by `ps`: for systems without /proc. It costs a process of its own.
pub fn has_children_by_ps(process: i32) -> Option<bool> {
    let mut ps = Command::new("ps");
    ps.args(["-A", "-o", "ppid="]).stdin(Stdio::null()).stderr(Stdio::null());
    let said = ps.output().ok().filter(|said| said.status.success())?;
    let parents = String::from_utf8_lossy(&said.stdout).into_owned();
    Some(parents.split_whitespace().any(|parent| parent.parse() == Ok(process)))
}

/// The inodes of a process's sockets; none where the kernel does not say.
pub fn sockets_of(process: i32) -> Vec<u64> {
    let fds = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let targets = fds.filter_map(|fd| fs::read_link(fd.path()).ok());
    targets.filter_map(|target| target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect()
}

/// The words of a process's command line; `None` where the kernel does not say. A process that was just forked has its
/// parent's.
pub fn words_of(process: i32) -> Option<Vec<Vec<u8>>> {
    let line = fs::read(format!("/proc/{process}/cmdline")).ok()?;
    let line = line.strip_suffix(b"\0").unwrap_or(&line);
    Some(line.split(|&byte| byte == 0).map(<[u8]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_seen_in_both_ways() {
        // It says so when it has one.
        let mut parent = Command::new("sh");
        let mut parent = parent.args(["-c", "sleep 600 & echo $!; wait"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(parent.stdout.take().unwrap()), &mut said).unwrap();
        let (parent_id, child) = (parent.id() as i32, said.trim().parse().unwrap());
        if cfg!(target_os = "linux") {
            assert_eq!(children_of(parent_id), Some(vec![child]));
            assert_eq!(children_of(child), Some(Vec::new()));
            assert_eq!(words_of(parent_id).unwrap(), [&b"sh"[..], b"-c", b"sleep 600 & echo $!; wait"]);
        }
        assert_eq!(has_children_by_ps(parent_id), Some(true));
        assert_eq!(has_children_by_ps(child), Some(false));
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(child), nix::sys::signal::Signal::SIGKILL).unwrap();
        parent.kill().unwrap();
        parent.wait().unwrap();
    }
}
