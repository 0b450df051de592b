//! The machine that this runs on: without it no figure means anything.

use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant};

use crate::tools::{millis, percentile, system};

#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    /// Of the temporary folder, where the data folders are.
    pub(crate) file_system: String,
    pub(crate) fsync: (Duration, Duration),
    pub(crate) commit: String,
    pub(crate) date: String,
}

pub(crate) fn look() -> Machine {
    let temporary = std::env::temp_dir();
    let temporary = temporary.to_str().unwrap();
    Machine {
        cpu: cpu(),
        memory_gib: memory_gib(),
        kernel: said("uname", &["-sr"]),
        file_system: said("findmnt", &["-n", "-o", "FSTYPE", "-T", temporary]),
        fsync: measure_fsync(),
        commit: commit(),
        date: said("date", &["-u", "+%F"]),
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99) = self.fsync;
        write!(
            f,
            "{}, {} GiB, {}, {} with fsync p50 {} ms and p99 {} ms; commit {}, {}",
            self.cpu,
            self.memory_gib,
            self.kernel,
            self.file_system,
            millis(p50),
            millis(p99),
            self.commit,
            self.date
        )
    }
}

fn said(program: &str, arguments: &[&str]) -> String {
    let said = system(program, arguments).unwrap_or_default();
    said.trim().to_owned()
}

fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let name = name.unwrap_or_default().trim_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores of {name}")
}

fn memory_gib() -> u64 {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|total| total.split_whitespace().next());
    let kib: u64 = kib.and_then(|kib| kib.parse().ok()).unwrap_or(0);
    kib.div_ceil(1 << 20)
}

/// The commit that is tested, with `+` if there is more than that.
fn commit() -> String {
    let changed = said("git", &["status", "--porcelain", "--", "src", "Cargo.lock"]);
    let more = if changed.is_empty() { "" } else { "+" };
    said("git", &["rev-parse", "--short", "HEAD"]) + more
}

/// 200 times 4 KiB and fdatasync: p50 and p99.
fn measure_fsync() -> (Duration, Duration) {
    let mut file = tempfile::tempfile().unwrap();
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            file.write_all(&[b'x'; 4_096]).unwrap();
            let start = Instant::now();
            file.sync_data().unwrap();
            start.elapsed()
        })
        .collect();
    (percentile(&mut times, 0.5), percentile(&mut times, 0.99))
}
