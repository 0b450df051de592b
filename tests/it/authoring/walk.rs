//! `examples/walkthrough/walk.sh`, as a new user runs it.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

#[tokio::test]
async fn the_first_hour_goes_as_it_is_written() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut walk = Command::new("bash");
    walk.arg(top.join("examples/walkthrough/walk.sh"))
        .env("TAGWERK", env!("CARGO_BIN_EXE_tagwerk"))
        .kill_on_drop(true);
    let ended = timeout(Duration::from_secs(120), walk.output()).await;
    let ended = ended.expect("the walk does not end").unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&ended.stdout), text(&ended.stderr));
    assert!(ended.status.success(), "{stdout}\n{stderr}");
    let mut rest = stdout.as_str();
    for part in [
        "$ tagwerk init shop --minimal",
        "made clients/booking.rhai",
        "event booking.paid",
        "made tags/crm_booking.rhai",
        "✎ booking written",
        "✓ tags/crm_booking.test.rhai: test_what_is_sent",
        "covered: ",
        "good: 2 clients, 2 tags",
        "\"status\":\"accepted\"",
        "changed crm_booking → crm",
        "+  \"guest\": \"Anna\"",
        "1 event: 0 same, 1 changed",
        "live: the draft's tags",
        "live: the former tags",
        "# done",
    ] {
        let (_, behind) = rest
            .split_once(part)
            .unwrap_or_else(|| panic!("no `{part}` in its place in\n{stdout}\n{stderr}"));
        rest = behind;
    }
    assert!(stderr.contains("did you mean `crm`?"), "{stderr}");
}
