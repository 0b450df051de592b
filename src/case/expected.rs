//! What a request becomes, in the form that cases have: the data of its events, and its deliveries
//! as the requests they would be, without keys.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::preview::{EventRecord, Record, TagRecord};

/// The file of a case that has the events.
pub const EVENTS_FILE: &str = "events.json";

/// The file of a case that has the deliveries.
pub const DELIVERIES_FILE: &str = "deliveries.json";

/// What must come out; what is not said is not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    /// Event data, in order.
    pub events: Option<Value>,
    /// Tag, destination and request of each delivery, in order.
    pub deliveries: Option<Value>,
}

/// What was made of a request.
pub fn made_by(record: &Record) -> Expected {
    let data = |event: &EventRecord| serde_json::from_slice(&event.event.data).unwrap_or_default();
    let events: Vec<Value> = record.events.iter().map(data).collect();
    let many = record.events.len() > 1;
    let mut deliveries = Vec::new();
    for (at, event) in record.events.iter().enumerate() {
        for tag in &event.tags {
            let event = many.then_some(at);
            deliveries.extend(of_tag(tag, event));
        }
    }
    Expected {
        events: Some(events.into()),
        deliveries: Some(deliveries.into()),
    }
}

fn of_tag(tag: &TagRecord, event: Option<usize>) -> Vec<Value> {
    let name = &tag.trace.name;
    let with_event = |mut one: Value| {
        if let Some(event) = event {
            one["event"] = event.into();
        }
        one
    };
    if let Some(fault) = &tag.trace.fault {
        return vec![with_event(json!({ "tag": name, "fault": fault.message }))];
    }
    let deliveries = tag.deliveries.iter().map(|one| {
        let mut shown = json!({ "tag": name, "destination": &*one.delivery.destination });
        match one.request() {
            Ok(request) => shown["request"] = json!(request),
            Err(why) => shown["refused"] = why.into(),
        }
        with_event(shown)
    });
    deliveries.collect()
}

impl Expected {
    /// Reads the files of a case, those that there are.
    ///
    /// # Errors
    /// What is wrong with them, for a person.
    pub fn read(folder: &Path) -> Result<Self, String> {
        Ok(Self {
            events: read(folder, EVENTS_FILE)?,
            deliveries: read(folder, DELIVERIES_FILE)?,
        })
    }

    /// Writes both files.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let files = [
            (EVENTS_FILE, &self.events),
            (DELIVERIES_FILE, &self.deliveries),
        ];
        for (name, value) in files {
            let Some(value) = value else { continue };
            let mut text = serde_json::to_string_pretty(value)?;
            text.push('\n');
            fs::write(folder.join(name), text)?;
        }
        Ok(())
    }

    /// The deliveries by what they are called: `tag/0`, and with several events `1/tag/0`.
    pub(super) fn deliveries_by_name(&self) -> Option<Vec<(String, &Value)>> {
        let all = self.deliveries.as_ref()?.as_array()?;
        let mut ordinals: HashMap<String, usize> = HashMap::new();
        let named = all.iter().map(|one| {
            let tag = one["tag"].as_str().unwrap_or("?");
            let base = match one["event"].as_u64() {
                Some(event) => format!("{event}/{tag}"),
                None => tag.to_owned(),
            };
            let ordinal = ordinals.entry(base.clone()).or_default();
            let name = format!("{base}/{ordinal}");
            *ordinal += 1;
            (name, one)
        });
        Some(named.collect())
    }
}

fn read(folder: &Path, name: &str) -> Result<Option<Value>, String> {
    let text = match fs::read(folder.join(name)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{name}: {error}")),
    };
    let value: Value = serde_json::from_slice(&text).map_err(|error| format!("{name}: {error}"))?;
    if value.is_array() {
        return Ok(Some(value));
    }
    Err(format!("{name}: it is not a list"))
}
