//! The example requests that we ship, `examples/requests/*.http`, taken apart.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A request as its file has it.
pub(crate) struct Example {
    pub(crate) request_line: String,
    /// By lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Example {
    pub(crate) fn method(&self) -> &str {
        self.request_line.split(' ').next().unwrap()
    }

    pub(crate) fn path(&self) -> &str {
        self.request_line.split(' ').nth(1).unwrap()
    }
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/requests")
}

/// All examples by their name without `.http`.
pub(crate) fn examples() -> BTreeMap<String, Example> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "http")
        {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            found.insert(name, read(&fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(!found.is_empty());
    found
}

/// Takes apart the text of a `.http` file.
pub(crate) fn read(text: &str) -> Example {
    let (head, body) = text.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    let request_line = lines.next().unwrap().to_owned();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_ascii_lowercase(), value.to_owned())
    });
    Example {
        request_line,
        headers: headers.collect(),
        body: body.to_owned(),
    }
}
