//! A page of metrics, read as Prometheus reads it.

use std::collections::{BTreeMap, BTreeSet};

use super::server::Server;

/// One metric: its type and help.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) kind: String,
    pub(crate) help: String,
    /// The names of its labels.
    pub(crate) labels: BTreeSet<String>,
}

/// A page in the text format 0.0.4.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    /// Values by `name{labels}`, as it stands there.
    pub(crate) series: BTreeMap<String, f64>,
    pub(crate) metrics: BTreeMap<String, Described>,
}

impl Page {
    /// What a server shows.
    pub(crate) async fn of(server: &Server) -> Self {
        let answer = server.call("GET", "/metrics", "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("text/plain; version=0.0.4; charset=utf-8"));
        Self::read(&answer.body)
    }

    /// Reads a page; whatever is not as the format says is a panic.
    pub(crate) fn read(text: &str) -> Self {
        let mut page = Self::default();
        for line in text.lines() {
            if let Some(described) = line.strip_prefix("# ") {
                page.describe(described);
                continue;
            }
            let (series, value) = line.rsplit_once(' ').expect(line);
            let value = value.parse().expect(line);
            let before = page.series.insert(series.to_owned(), value);
            assert_eq!(before, None, "{series} is there twice");
            page.add_labels(series);
        }
        page
    }

    fn describe(&mut self, line: &str) {
        let mut words = line.splitn(3, ' ');
        let [keyword, name, rest] = std::array::from_fn(|_| words.next().expect(line));
        let metric = self.metrics.entry(name.to_owned()).or_default();
        let slot = match keyword {
            "HELP" => &mut metric.help,
            "TYPE" => &mut metric.kind,
            _ => panic!("{line}"),
        };
        assert_eq!(slot, "", "{name} is described twice");
        rest.clone_into(slot);
    }

    fn add_labels(&mut self, series: &str) {
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let of_histogram = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .filter(|name| self.metrics.contains_key(*name));
        let metric = self.metrics.get_mut(of_histogram.unwrap_or(name));
        let metric = metric.unwrap_or_else(|| panic!("{name} is not described"));
        let names = labels.split("=\"").filter_map(|part| {
            let name = part.rsplit(['"', ',', '{']).next()?;
            (!name.is_empty() && name != "le" && name != "}").then(|| name.to_owned())
        });
        metric
            .labels
            .extend(names.filter(|name| name.bytes().all(is_of_name)));
    }

    /// A series that must be there.
    pub(crate) fn value(&self, series: &str) -> f64 {
        match self.series.get(series) {
            Some(value) => *value,
            None => {
                let name = series.split('{').next().unwrap_or_default();
                let like = self.series.keys().filter(|known| known.starts_with(name));
                panic!("there is no {series}, only {:#?}", like.collect::<Vec<_>>());
            }
        }
    }

    /// How many series there are.
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte == b'_'
}
