//! File systems that can be filled and broken. Needs root.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::tools::system;

/// One that is mounted, until dropped.
pub(crate) struct Mount {
    at: PathBuf,
    is_mounted: bool,
}

impl Mount {
    /// A tmpfs of so many MiB.
    pub(crate) fn tmpfs(at: &Path, mib: u32) -> Result<Self, String> {
        let size = format!("size={mib}m");
        let mount = Self::empty(at);
        mount.mount(&["-t", "tmpfs", "-o", &size, "tmpfs"])
    }

    /// An ext4 in a file, which is made if it is not there.
    pub(crate) fn ext4(image: &Path, at: &Path) -> Result<Self, String> {
        let file = image.to_str().unwrap();
        if !image.is_file() {
            system("truncate", &["-s", "2G", file])?;
            system("mkfs.ext4", &["-q", "-F", file])?;
        }
        Self::empty(at).mount(&["-o", "loop", file])
    }

    fn empty(at: &Path) -> Self {
        std::fs::create_dir_all(at).unwrap();
        Self {
            at: at.to_owned(),
            is_mounted: false,
        }
    }

    fn mount(mut self, what: &[&str]) -> Result<Self, String> {
        let at = self.at.to_str().unwrap();
        system("mount", &[what, &[at]].concat())?;
        self.is_mounted = true;
        Ok(self)
    }

    /// Gets everything ready for a power cut, which then takes no time.
    pub(crate) async fn power_switch(&self) -> PowerSwitch {
        let mut child = Command::new("python3")
            .args(["-c", SHUTDOWN, self.at.to_str().unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut ready = [0];
        let said = child.stdout.as_mut().unwrap().read_exact(&mut ready).await;
        said.expect("python3 cannot open the mounted folder");
        PowerSwitch(child)
    }

    pub(crate) fn unmount(mut self) -> Result<(), String> {
        self.is_mounted = false;
        system("umount", &[self.at.to_str().unwrap()]).map(drop)
    }
}

/// EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH, when a byte comes in.
const SHUTDOWN: &str = "
import fcntl, os, struct, sys
folder = os.open(sys.argv[1], os.O_RDONLY)
os.write(1, b'.')
os.read(0, 1)
fcntl.ioctl(folder, 0x8004587D, struct.pack('I', 2))
";

/// What cuts the power of a mounted ext4.
pub(crate) struct PowerSwitch(Child);

impl PowerSwitch {
    /// From now on nothing reaches the disk, and what was not yet written never does, the file
    /// system's own log included.
    pub(crate) async fn cut(mut self) {
        let stdin = self.0.stdin.as_mut().unwrap();
        stdin.write_all(b".").await.unwrap();
        let status = self.0.wait().await.unwrap();
        assert!(status.success(), "the power cannot be cut: {status}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if self.is_mounted {
            // Lazily: what is open is ended a moment later.
            drop(system("umount", &["-l", self.at.to_str().unwrap()]));
        }
    }
}
