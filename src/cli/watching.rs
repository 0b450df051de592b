//! `--watch`: a command again whenever a file is saved, until Ctrl-C.

use std::path::{Path, PathBuf};

use super::{Exit, paint, serve};
use crate::generation::Changes;

/// Runs it now, and after each change below the folders. How a run ends is told and changes nothing.
pub(super) fn again_and_again(
    folders: Vec<PathBuf>,
    mut run: impl FnMut() -> Result<(), Exit>,
) -> Result<(), Exit> {
    let runtime = serve::runtime()?;
    let mut changes = Changes::of(folders);
    loop {
        if let Err(exit) = run() {
            exit.report();
        }
        anstream::eprintln!(
            "{}",
            paint::dim("waiting for a file to be saved; Ctrl-C ends")
        );
        runtime.block_on(changes.next());
        anstream::println!();
    }
}

/// The folder of the configuration.
pub(super) fn folder_of(config: &Path) -> PathBuf {
    match config.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
