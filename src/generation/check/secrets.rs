//! Secrets that are not set, so that deliveries wait, and secrets that stand in scripts, from where
//! they get into version control.

use super::Set;
use crate::config::{Problem, find_secrets};
use crate::generation::files::ScriptFile;

pub(super) fn findings(set: &Set<'_>) -> Vec<Problem> {
    let in_scripts = set.files.iter().flat_map(in_script);
    unset(set).into_iter().chain(in_scripts).collect()
}

fn unset(set: &Set<'_>) -> Vec<Problem> {
    let Some(file) = &set.config.file else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for destination in set.destinations.values() {
        let table = set.config.destinations.get(&*destination.name);
        for name in &destination.missing {
            let message = format!(
                "destination {} waits for ${name}, which is not set",
                destination.name
            );
            let warning = Problem::warning(file, message).of_kind("unset-secret");
            let warning =
                warning.with_hint(format!("its deliveries wait until then: export {name}=…"));
            findings.push(match table {
                Some(table) if table.line > 0 => warning.at(table.line, 1),
                _ => warning,
            });
        }
    }
    findings
}

fn in_script(file: &ScriptFile) -> Vec<Problem> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(file.source.lines()) {
        for found in find_secrets(line) {
            let before = line.get(..found.start).unwrap_or_default();
            let message = format!("this looks like {}", found.what);
            let hint = "keys belong to the destination: ${NAME} in tagwerk.toml, and VERIFY names a variable";
            let warning = Problem::warning(&file.shown, message).of_kind("secret-in-script");
            findings.push(
                warning
                    .at(number, before.chars().count() + 1)
                    .with_hint(hint.to_owned()),
            );
        }
    }
    findings
}
