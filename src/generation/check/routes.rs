//! Paths at which a client is never asked: another one, asked before it, takes all that comes there,
//! or the listener answers by itself.

use super::Set;
use crate::client::{Client, Pattern};
use crate::config::{Problem, Severity};
use crate::generation::load::problem;

/// What the listener answers before any client is asked.
const OWN: [&str; 2] = ["/healthz", "/readyz"];

pub(super) fn findings(set: &Set<'_>) -> Vec<Problem> {
    let mut findings = Vec::new();
    for (at, client) in set.clients.iter().enumerate() {
        let before = set.clients.get(..at).unwrap_or_default();
        for path in &client.paths {
            findings.extend(finding(client, path, before));
        }
    }
    findings
}

fn finding(client: &Client, path: &Pattern, before: &[Client]) -> Option<Problem> {
    let text = path.as_str();
    if OWN.contains(&text) {
        let message = format!("{text} is answered by the listener itself, no client is asked");
        return Some(warning(client, &message, "take another path"));
    }
    let other = before.iter().find(|other| takes_all(other, client, path))?;
    let wider = other.paths.iter().find(|wider| wider.covers(path))?;
    let message = format!(
        "no request for {text} reaches this client: {} takes all of {} before it",
        other.script.file,
        wider.as_str()
    );
    let hint = format!(
        "give this one a PRIORITY above {}, or the other one a `fn claims(request)`",
        other.priority
    );
    Some(warning(client, &message, &hint))
}

fn takes_all(other: &Client, client: &Client, path: &Pattern) -> bool {
    !other.has_claims
        && client
            .methods
            .iter()
            .all(|method| other.methods.contains(method))
        && other.paths.iter().any(|wider| wider.covers(path))
}

fn warning(client: &Client, message: &str, hint: &str) -> Problem {
    let fault = client.script.fault_in("PATH", message).with_hint(hint);
    Problem {
        severity: Severity::Warning,
        ..problem(fault.of_kind("unreachable-route"))
    }
}
