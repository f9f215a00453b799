//! Symbolic links of a city that mean nothing outside of this machine.

use std::fs;
use std::path::{Path, PathBuf};

/// More than any city has; a tree without an end must not keep anybody.
const MOST: usize = 100_000;

/// The links below `directory` (relative to it) that lead out of it, or say where it is on this machine. What lies in `.gc` is
/// left out, as the copy of a city leaves it out.
pub fn leaving(directory: &Path) -> Vec<PathBuf> {
    let Ok(top) = directory.canonicalize() else { return Vec::new() };
    let (mut found, mut open, mut seen) = (Vec::new(), vec![PathBuf::new()], 0);
    while let Some(below) = open.pop() {
        for entry in fs::read_dir(top.join(&below)).into_iter().flatten().flatten() {
            seen += 1;
            let path = below.join(entry.file_name());
            let Ok(kind) = entry.file_type() else { continue };
            if seen > MOST || path == Path::new(".gc") {
                continue;
            }
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_symlink() && leaves(&top, &path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn leaves(top: &Path, link: &Path) -> bool {
    let link = top.join(link);
    let absolute = fs::read_link(&link).is_ok_and(|target| target.is_absolute());
    // One that leads nowhere leads nowhere in the pod as well.
    link.canonicalize().is_ok_and(|target| absolute || !target.starts_with(top))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_links_that_lead_out_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let city = directory.path().join("city");
        for place in ["city/packs", "city/.gc", "outside"] {
            fs::create_dir_all(directory.path().join(place)).unwrap();
        }
        fs::write(city.join("packs/a"), "").unwrap();
        symlink("packs/a", city.join("inside")).unwrap();
        symlink("../../outside", city.join("packs/out")).unwrap();
        symlink(city.join("packs/a"), city.join("absolute")).unwrap();
        symlink("/nowhere/at/all", city.join("dangling")).unwrap();
        symlink("../../outside", city.join(".gc/out")).unwrap();
        symlink("..", city.join("packs/up")).unwrap();
        assert_eq!(leaving(&city), [Path::new("absolute"), Path::new("packs/out")]);
    }
}
