//! Small things that several faults need.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::pin::Pin;
use std::process::{Command, Output};
use std::task::Poll;
use std::time::Duration;

use std::io::IsTerminal;

/// How often the caller wants a fault repeated, if not as often as usual.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounds(pub(crate) Option<usize>);

impl Rounds {
    pub(crate) fn at_most(self, usual: usize) -> usize {
        self.0.unwrap_or(usual).clamp(1, usual)
    }
}

/// Runs a command of the system to its end.
pub(crate) fn system(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output();
    let Output {
        status,
        stdout,
        stderr,
    } = output.map_err(|error| format!("{program}: {error}"))?;
    if !status.success() {
        let stderr = String::from_utf8_lossy(&stderr);
        return Err(format!("{program} {arguments:?}: {status} {stderr}"));
    }
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}

/// True if the system has this command.
pub(crate) fn has(program: &str) -> bool {
    system("sh", &["-c", &format!("command -v {program}")]).is_ok()
}

pub(crate) fn is_root() -> bool {
    system("id", &["-u"]).is_ok_and(|id| id.trim() == "0")
}

/// Says how far it is, to somebody who watches.
pub(crate) fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}\r");
    }
}

/// A random number of milliseconds.
pub(crate) fn random_millis(from: u64, to: u64) -> Duration {
    let random = getrandom::u64().unwrap();
    Duration::from_millis(from + random % (to - from + 1))
}

/// The value that a share of these are not above; zero if there are none.
pub(crate) fn percentile(values: &mut [Duration], share: f64) -> Duration {
    values.sort_unstable();
    let last = values.len().saturating_sub(1);
    let at = (values.len() as f64 * share) as usize;
    values.get(at.min(last)).copied().unwrap_or_default()
}

/// As milliseconds with two digits.
pub(crate) fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1_000.0)
}

/// A figure of `/proc/PID/status` in KiB, such as `VmHWM`, the most memory it ever had.
pub(crate) fn memory_kib(process: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.trim_matches([':', ' ', '\t']).split(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Copies the files of a folder into another, which is made.
pub(crate) fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// Runs a future; a panic in it becomes an error.
pub(crate) async fn catch<T>(
    running: AssertUnwindSafe<Pin<Box<dyn Future<Output = T> + Send>>>,
) -> Result<T, String> {
    let AssertUnwindSafe(mut running) = running;
    std::future::poll_fn(move |context| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context)));
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic_text(&*panic))),
        }
    })
    .await
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked").to_owned()
}
