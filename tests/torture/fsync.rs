//! F4: fsync fails, once, the n-th time.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::{sleep, timeout};

use crate::kill::STALL;
use crate::oracle::{Act, Ledger, Load, Vendor, post};
use crate::report::Report;
use crate::setup::{orders_to, ready, start};
use crate::support::server::Server;
use crate::tools::{Rounds, has, millis, progress};

/// n = 1 to this.
const CALLS: usize = 20;

const CONNECTIONS: usize = 8;

/// Far more than a second's pause, and what it takes to open the journal again.
const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) async fn run(rounds: Rounds) -> Report {
    if !has("strace") {
        return Report::skipped("needs strace");
    }
    let calls = rounds.at_most(CALLS);
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    let set = orders_to(vendor.address, &["crm"], "");
    let load = Load::start(&ledger, CONNECTIONS);
    let (mut failed, mut refused, mut unready) = (0, 0, 0);
    let mut slowest = Duration::ZERO;
    for call in 1..=calls {
        progress(&format!("F4 call {call} of {calls}"));
        // Nothing is delivered before the next start: what was acknowledged is only in the journal.
        vendor.always("crm", Act::Silence);
        let (server, _) = start(&set).await;
        let mut strace = Strace::attach(server.process(), call).await;
        let before = ledger.account();
        load.aim_at(server.address);
        failed += usize::from(strace.injected().await);
        let failed_at = Instant::now();
        unready += usize::from(says_no(&server).await);
        drop(timeout(PATIENCE, ready(&server)).await);
        slowest = slowest.max(failed_at.elapsed());
        load.hold();
        strace.detach().await;
        let status = timeout(PATIENCE, taken(&server, &ledger)).await;
        assert!(
            status.is_ok(),
            "it never takes orders again after call {call}"
        );
        refused += usize::from(ledger.account().refused > before.refused);
        server.kill().await;
        vendor.always("crm", Act::status(200));
        let (server, _) = start(&set).await;
        ledger.settled(STALL).await;
        server.kill().await;
    }
    load.stop().await;
    let (server, _) = start(&set).await;
    let account = ledger.settled(STALL).await;
    server.stop().await;
    Report::new()
        .with("calls", calls)
        .with("injected", failed)
        .with("with_refusals", refused)
        .with("with_readyz_503", unready)
        .with("recovered_max_ms", millis(slowest))
        .with("acked", account.acked)
        .with("refused", account.refused)
        .with("odd", account.odd)
        .with("lost", account.open)
        .with("wrong", account.wrong)
        .with("dup", account.duplicates)
        .require(failed == calls, "not every call was made to fail")
        .require(refused == calls, "senders were not refused")
        .require(unready == calls, "/readyz did not say no each time")
        .require(
            account.odd == 0,
            "something else than 200 and 503 was answered",
        )
        .require(account.open == 0, "acknowledged events were lost")
        .require(account.wrong == 0, "something wrong was delivered")
}

/// Whether `/readyz` says no, soon.
async fn says_no(server: &Server) -> bool {
    let asked = async {
        while server.get("/readyz").await.status == 200 {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(2), asked).await.is_ok()
}

async fn taken(server: &Server, ledger: &Ledger) {
    while post(server.address, ledger).await.ok() != Some(200) {
        sleep(Duration::from_millis(10)).await;
    }
}

/// strace, attached to a process.
struct Strace {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Strace {
    /// From now on the `call`-th sync of each thread fails, once. Only the journal's thread syncs.
    async fn attach(process: u32, call: usize) -> Self {
        let mut child = Command::new("strace")
            .args(["-f", "-e", "trace=fsync,fdatasync"])
            .args([
                "-e",
                &format!("inject=fsync,fdatasync:error=EIO:when={call}"),
            ])
            .args(["-p", &process.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut strace = Self { child, log };
        assert!(strace.says("attached").await, "strace cannot attach");
        strace
    }

    /// Waits until the call has failed.
    async fn injected(&mut self) -> bool {
        self.says("(INJECTED)").await
    }

    async fn says(&mut self, word: &str) -> bool {
        let said = async {
            while let Ok(Some(line)) = self.log.next_line().await {
                if line.contains(word) {
                    return true;
                }
            }
            false
        };
        timeout(PATIENCE, said).await.unwrap_or(false)
    }

    /// SIGINT makes strace let go; SIGKILL would leave the process stopped.
    async fn detach(mut self) {
        let id = self.child.id().unwrap().to_string();
        crate::tools::system("kill", &["-INT", &id]).unwrap();
        while let Ok(Some(_)) = self.log.next_line().await {}
        self.child.wait().await.unwrap();
    }
}
