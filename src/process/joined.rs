//! A stream that is two, one behind the other, for a command to read.

use std::io::{self, ErrorKind, Read, Write};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// `head`, and behind it all that `rest` has; and what became of that, known before the reader sees the end. It fails when
/// `rest` cannot be read.
///
/// # Errors
/// There is no pipe to be had.
pub fn joined(head: Vec<u8>, mut rest: impl Read + Send + 'static) -> io::Result<(Stdio, Receiver<io::Result<()>>)> {
    let (reader, mut writer) = io::pipe()?;
    let (tell, told) = channel();
    thread::spawn(move || {
        let carried = writer.write_all(&head).and_then(|()| io::copy(&mut rest, &mut writer).map(drop));
        let _ = tell.send(match carried {
            // Nobody wants more; why is known where the reader is.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            result => result,
        });
    });
    Ok((reader.into(), told))
}
