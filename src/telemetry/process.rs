//! What the operating system says of this process. Nothing where there is no `/proc`.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What a process takes up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Process {
    /// Memory that is in use, in bytes.
    pub resident: Option<u64>,
    /// Open files and sockets.
    pub open_files: Option<u64>,
    /// Time on the processors.
    pub cpu: Duration,
}

impl Process {
    /// This one, now.
    pub(super) fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").ok();
        Self {
            resident: status.as_deref().and_then(resident),
            // One of them is the folder that is being read.
            open_files: fs::read_dir("/proc/self/fd")
                .ok()
                .map(|files| (files.count() as u64).saturating_sub(1)),
            cpu: Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default(),
        }
    }
}

/// `VmRSS:     23456 kB`
fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_status() {
        let status = "Name:\ttagwerk\nVmHWM:\t   30000 kB\nVmRSS:\t   23456 kB\nThreads:\t9\n";
        assert_eq!(resident(status), Some(23_456 * 1_024));
        for odd in ["", "VmRSS:", "VmRSS:\tmuch kB", "VmRSS:\t12 MB"] {
            assert_eq!(resident(odd), None, "{odd:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_takes_up_something() {
        let before = Process::now();
        let _file = fs::File::open("/proc/self/status").unwrap();
        let now = Process::now();
        assert!(now.resident > Some(1 << 20), "{now:?}");
        assert!(now.open_files > Some(0) && before.open_files.is_some());
    }
}
