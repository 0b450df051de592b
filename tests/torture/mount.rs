//! File systems that can be filled and broken. Needs root.

use std::path::{Path, PathBuf};

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

    /// Cuts the power of an ext4: from now on nothing reaches the disk, and what was not yet written
    /// never does, the file system's own log included.
    pub(crate) fn cut_power(&self) -> Result<(), String> {
        // EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH.
        const SHUTDOWN: &str = "import fcntl,os,struct,sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))";
        system("python3", &["-c", SHUTDOWN, self.at.to_str().unwrap()]).map(drop)
    }

    pub(crate) fn unmount(mut self) -> Result<(), String> {
        self.is_mounted = false;
        system("umount", &[self.at.to_str().unwrap()]).map(drop)
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
