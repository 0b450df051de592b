//! Reads a transformation's header constants; every mistake at once.

use std::sync::Arc;

use super::Transform;
use super::constants::CONSTANTS;
use crate::script::{Fault, Header, Map, Script};
use crate::trigger::{Names, Trigger, parse_conditions};

/// Makes a transformation of a compiled script.
pub fn load(script: Script) -> Result<Transform, Vec<Fault>> {
    let mut header = Header::of(&script, CONSTANTS);
    let tags = names(&mut header, "TAGS");
    let on = names(&mut header, "ON");
    let trigger = Trigger {
        when: conditions(&mut header, "WHEN"),
        except: conditions(&mut header, "EXCEPT"),
        ..Trigger::default()
    };
    let priority = header.integer("PRIORITY").unwrap_or(0);
    let enabled = header.flag("ENABLED").unwrap_or(true);
    let allow = paths(&mut header, "ALLOW");
    let exclude = paths(&mut header, "EXCLUDE");
    let redact = paths(&mut header, "REDACT");
    let augment = header.map("AUGMENT").unwrap_or_default();
    let mut faults = header.finish();
    let has_augment = script.has_function("augment", 1);
    faults.extend(check(
        &script,
        has_augment,
        &[&allow, &exclude, &redact],
        &augment,
    ));
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Transform {
        name: Arc::from(script.name.as_str()),
        tags,
        on,
        trigger,
        priority,
        enabled,
        allow,
        exclude,
        redact,
        augment,
        has_augment,
        script,
    })
}

fn names(header: &mut Header<'_>, constant: &'static str) -> Names {
    let Some(names) = header.texts(constant) else {
        return Names::any();
    };
    Names::parse(&names).unwrap_or_else(|why| {
        header.wrong(constant, why, None);
        Names::any()
    })
}

fn conditions(header: &mut Header<'_>, constant: &'static str) -> Vec<crate::trigger::Condition> {
    let Some(map) = header.map(constant) else {
        return Vec::new();
    };
    parse_conditions(&map).unwrap_or_else(|mistakes| {
        for (message, hint) in mistakes {
            header.wrong(constant, message, hint);
        }
        Vec::new()
    })
}

fn paths(header: &mut Header<'_>, constant: &'static str) -> Vec<String> {
    let paths = header.texts(constant).unwrap_or_default();
    if paths.iter().any(|path| path.split('.').any(str::is_empty)) {
        let hint = "write keys as conditions do: \"user_data.email_address\", \"items.*.price\"";
        header.wrong(
            constant,
            "a key is empty, or has an empty part",
            Some(hint.to_owned()),
        );
    }
    paths
}

fn check(
    script: &Script,
    has_augment: bool,
    lists: &[&Vec<String>],
    augment: &Map,
) -> Option<Fault> {
    if !has_augment && let Some(takes) = script.parameters_of("augment").first() {
        let message = format!("fn augment must take one parameter, the event; it takes {takes}");
        return Some(script.fault_of_function("augment", message));
    }
    if !has_augment && let Some(fault) = script.misspelt_function("augment") {
        return Some(fault);
    }
    let does_nothing =
        lists.iter().all(|list| list.is_empty()) && augment.is_empty() && !has_augment;
    does_nothing.then(|| {
        let hint = "add ALLOW, EXCLUDE, REDACT, AUGMENT or `fn augment(event)`";
        let fault = Fault::new(&script.file, "the transformation changes nothing").with_hint(hint);
        fault.of_kind("missing-constant")
    })
}
