//! The two forms in which metrics are read: OpenMetrics, which Prometheus asks for first, and the
//! older text format for all else.

/// The content type of OpenMetrics.
pub const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The content type of the older format.
pub const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format 0.0.4.
    Prometheus,
}

impl Exposition {
    /// What a reader asks for with `Accept`: OpenMetrics, if it names that and does not rule it
    /// out.
    pub fn of(accept: &str) -> Self {
        let wants = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default();
            let is_out = parts.any(|part| {
                let weight = part.strip_prefix("q=").map(str::trim);
                weight.is_some_and(|weight| weight.parse() == Ok(0.0))
            });
            kind.eq_ignore_ascii_case("application/openmetrics-text") && !is_out
        };
        match accept.split(',').any(wants) {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    /// What the answer's `Content-Type` is.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => OPENMETRICS,
            Self::Prometheus => PROMETHEUS,
        }
    }

    /// OpenMetrics in this form.
    pub(super) fn write(self, openmetrics: String) -> String {
        match self {
            Self::OpenMetrics => openmetrics,
            Self::Prometheus => older(&openmetrics),
        }
    }
}

/// In the older format a metric has the full name of its samples, and there is no type `info`, no
/// unit and no end mark. The samples are the same.
fn older(openmetrics: &str) -> String {
    let mut text = String::with_capacity(openmetrics.len());
    let mut help = ("", "");
    for line in openmetrics.lines() {
        let mut words = line.splitn(4, ' ');
        let [mark, keyword, name, rest] = std::array::from_fn(|_| words.next().unwrap_or_default());
        match (mark, keyword) {
            ("#", "HELP") => help = (name, rest),
            ("#", "TYPE") => {
                let (suffix, kind) = match rest {
                    "counter" => ("_total", "counter"),
                    "info" => ("_info", "gauge"),
                    kind => ("", kind),
                };
                let explained = if help.0 == name { help.1 } else { "" };
                text.push_str(&format!("# HELP {name}{suffix} {explained}\n"));
                text.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
            }
            ("#", _) => {}
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_chooses() {
        use Exposition::{OpenMetrics, Prometheus};
        // As Prometheus 3, Prometheus 2, a browser and curl send it.
        for (accept, expected) in [
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Prometheus),
            ("*/*", Prometheus),
            ("", Prometheus),
            ("text/plain;version=0.0.4", Prometheus),
            ("application/openmetrics-text;q=0, text/plain", Prometheus),
            ("Application/OpenMetrics-Text", OpenMetrics),
        ] {
            assert_eq!(Exposition::of(accept), expected, "{accept}");
        }
    }

    #[test]
    fn the_older_format_names_metrics_as_their_samples() {
        let openmetrics = "# HELP a_requests Requests.\n# TYPE a_requests counter\n\
            a_requests_total{path=\"x # HELP y\"} 3\n# HELP a_build Version.\n# TYPE a_build info\n\
            a_build_info{version=\"1\"} 1\n# HELP a_size_bytes Size.\n# TYPE a_size_bytes gauge\n\
            # UNIT a_size_bytes bytes\na_size_bytes 9\n# EOF\n";
        let expected = "# HELP a_requests_total Requests.\n# TYPE a_requests_total counter\n\
            a_requests_total{path=\"x # HELP y\"} 3\n# HELP a_build_info Version.\n\
            # TYPE a_build_info gauge\na_build_info{version=\"1\"} 1\n\
            # HELP a_size_bytes Size.\n# TYPE a_size_bytes gauge\na_size_bytes 9\n";
        assert_eq!(older(openmetrics), expected);
    }
}
