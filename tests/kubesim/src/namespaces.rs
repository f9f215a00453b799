//! Namespaces that a container keeps for as long as it runs: mounts of its own, and, where its first process reaps nothing, a
//! process tree of its own. Needs root or user namespaces.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use crate::image::Oddity;

/// What `/proc/PID/ns` calls them, in the order in which they are entered.
const USER: (&str, libc::c_int) = ("user", libc::CLONE_NEWUSER);
const MOUNT: (&str, libc::c_int) = ("mnt", libc::CLONE_NEWNS);
const PROCESSES: (&str, libc::c_int) = ("pid", libc::CLONE_NEWPID);

/// A container's namespaces, and the process that keeps them: in those with a process tree it is number 1, which waits for
/// nobody, as `sleep infinity` does.
#[derive(Debug)]
pub struct Namespaces {
    holder: Child,
    handles: Arc<[(File, libc::c_int)]>,
    own_processes: bool,
}

impl Namespaces {
    /// Those that the oddities ask for; `None` when they ask for none. `surroundings` are the environment of the process that keeps them.
    ///
    /// # Errors
    /// This machine does not let us.
    pub fn of(oddities: &[Oddity], surroundings: &[(String, String)]) -> io::Result<Option<Self>> {
        let own_processes = oddities.contains(&Oddity::ReapsNothing);
        let busybox = oddities.contains(&Oddity::Busybox);
        if !own_processes && !busybox {
            return Ok(None);
        }
        let mut holder = Command::new("/usr/bin/unshare");
        holder.arg("--mount");
        if !geteuid().is_root() {
            holder.args(["--user", "--map-root-user"]);
        }
        if own_processes {
            holder.args(["--pid", "--fork", "--kill-child=KILL", "--mount-proc"]);
        }
        let shell = fs::canonicalize("/bin/sh")?;
        let first =
            "[ -z \"$1\" ] || mount --bind \"$(command -v busybox)\" \"$1\" || exit; echo ready; exec sleep infinity >/dev/null";
        holder.args(["--", "/bin/sh", "-c", first, "sh"]).arg(if busybox { shell.as_os_str() } else { "".as_ref() });
        holder.env_clear().envs(surroundings.iter().cloned()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir("/");
        let mut holder = holder.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0).spawn()?;
        let mut said = String::new();
        if let Some(stdout) = holder.stdout.take() {
            BufReader::new(stdout).read_line(&mut said)?;
        }
        // From here on it ends with what we give back.
        let mut made = Self { holder, handles: Arc::new([]), own_processes };
        if said != "ready\n" {
            return Err(io::Error::other("a container cannot have namespaces of its own here"));
        }
        made.handles = handles(made.first_process()?, own_processes)?;
        Ok(Some(made))
    }

    fn first_process(&self) -> io::Result<u32> {
        let holder = self.holder.id();
        if !self.own_processes {
            return Ok(holder);
        }
        let children = fs::read_to_string(format!("/proc/{holder}/task/{holder}/children"))?;
        children.trim().parse().map_err(|_| io::Error::other(format!("{holder} has the children {children:?}")))
    }

    /// How many have ended that nobody has waited for, and nobody will.
    pub fn zombies(&self) -> usize {
        if !self.own_processes {
            return 0;
        }
        let first = self.first_process().unwrap_or_default();
        let children = fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap_or_default();
        let stat = |child: &str| fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        children.split_whitespace().filter(|child| stat(child).contains(") Z ")).count()
    }

    /// Let a command run in them, and begin in `directory`. As with a container's runtime its parent is outside, so whatever
    /// it leaves behind becomes a child of the first process.
    pub fn enter(&self, command: &mut Command, directory: &Path) -> io::Result<()> {
        let (handles, forks) = (Arc::clone(&self.handles), self.own_processes);
        let directory = CString::new(directory.as_os_str().as_bytes())?;
        let enter = move || {
            for (namespace, kind) in handles.iter() {
                // SAFETY: a system call on a descriptor that the closure keeps open.
                if unsafe { libc::setns(namespace.as_raw_fd(), *kind) } < 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            // SAFETY: a system call on a string that the closure keeps.
            if unsafe { libc::chdir(directory.as_ptr()) } < 0 {
                return Err(io::Error::last_os_error());
            }
            if forks {
                // A process stays where it is: only its children are in another tree.
                fork()?;
            }
            Ok(())
        };
        // SAFETY: the closure makes system calls only, and allocates nothing unless one fails.
        unsafe { command.pre_exec(enter) };
        Ok(())
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        if let (true, Ok(first)) = (self.own_processes, self.first_process()) {
            let _ = kill(Pid::from_raw(first as i32), Signal::SIGKILL);
        }
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn handles(process: u32, own_processes: bool) -> io::Result<Arc<[(File, libc::c_int)]>> {
    let mut wanted = Vec::new();
    if !geteuid().is_root() {
        wanted.push(USER);
    }
    wanted.push(MOUNT);
    if own_processes {
        wanted.push(PROCESSES);
    }
    let open = |(name, kind)| Ok((File::open(format!("/proc/{process}/ns/{name}"))?, kind));
    wanted.into_iter().map(open).collect()
}

/// Go on as a child of this process, which ends as the child does.
fn fork() -> io::Result<()> {
    // SAFETY: the child goes on to its exec, and this process makes system calls only until it ends.
    match unsafe { libc::fork() } {
        0 => Ok(()),
        ..0 => Err(io::Error::last_os_error()),
        child => unsafe {
            // The streams are the child's, and so is the pipe that tells our parent of its exec.
            libc::syscall(libc::SYS_close_range, 0, libc::c_uint::MAX, 0);
            let mut status = 0;
            while libc::waitpid(child, &raw mut status, 0) < 0 && *libc::__errno_location() == libc::EINTR {}
            if libc::WIFSIGNALED(status) {
                libc::signal(libc::WTERMSIG(status), libc::SIG_DFL);
                libc::kill(libc::getpid(), libc::WTERMSIG(status));
            }
            libc::_exit(libc::WEXITSTATUS(status))
        },
    }
}
