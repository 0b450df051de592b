//! One difference for people: the request in the journal and the request of now, line by line.

use serde_json::Value;
use similar::TextDiff;

use crate::cli::paint;

/// Lines around a change that are shown with it.
const CONTEXT: usize = 3;

/// Draws one difference, as `POST /api/replay` tells it. The names are of what was and of what is.
pub(in crate::cli) fn difference(difference: &Value, was: &str, is: &str) -> String {
    let text = |key: &str| difference[key].as_str().unwrap_or_default();
    let kind = text("kind");
    let painted = match kind {
        "fault" => paint::bad(kind),
        _ => paint::odd(kind),
    };
    let mut drawn = format!(
        "{painted} {} → {}, event {} {}\n",
        paint::strong(text("tag")),
        text("destination"),
        text("event_id"),
        paint::dim(text("delivery_id"))
    );
    if let Some(fault) = difference["fault"].as_str() {
        for line in fault.lines() {
            drawn.push_str(&format!("  {line}\n"));
        }
    } else {
        let (before, after) = (
            request(&difference["before"]),
            request(&difference["after"]),
        );
        drawn.push_str(&unified((was, &before), (is, &after)));
    }
    drawn.push('\n');
    drawn
}

fn unified((was, before): (&str, &str), (is, after): (&str, &str)) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut unified = diff.unified_diff();
    let unified = unified.context_radius(CONTEXT).header(was, is);
    let mut drawn = String::new();
    for line in unified.to_string().lines() {
        let painted = match line.chars().next() {
            _ if line.starts_with("---") || line.starts_with("+++") => paint::dim(line),
            Some('-') => paint::bad(line),
            Some('+') => paint::good(line),
            Some('@') => paint::dim(line),
            _ => line.to_owned(),
        };
        drawn.push_str(&painted);
        drawn.push('\n');
    }
    drawn
}

/// A request as text: method and address, header fields, an empty line, the body.
fn request(request: &Value) -> String {
    if request.is_null() {
        return String::new();
    }
    let text = |key: &str| request[key].as_str().unwrap_or_default();
    let mut drawn = format!("{} {}\n", text("method"), text("url"));
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        drawn.push_str(&format!("{name}: {value}\n"));
    }
    let body = match request["body"].as_str() {
        Some(body) => body.to_owned(),
        None => format!("{:#}", request["body"]),
    };
    drawn.push_str(&format!("\n{body}\n"));
    drawn
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn drawn(one: &Value) -> String {
        anstream::adapter::strip_str(&difference(one, "in the journal", "now")).to_string()
    }

    fn sent(total: i64) -> Value {
        let body = json!({ "customer": 5, "total": total });
        json!({ "method": "POST", "url": "https://crm.test/", "headers": { "a": "1" }, "body": body })
    }

    #[test]
    fn only_what_changed_is_marked() {
        let changed = json!({
            "kind": "changed", "tag": "t", "destination": "crm", "event_id": "e",
            "delivery_id": "d", "before": sent(1), "after": sent(2), "fault": null,
        });
        let expected = r#"changed t → crm, event e d
--- in the journal
+++ now
@@ -3,5 +3,5 @@
 
 {
   "customer": 5,
-  "total": 1
+  "total": 2
 }

"#;
        assert_eq!(drawn(&changed), expected);
    }

    #[test]
    fn a_fault_is_said() {
        let fault = json!({
            "kind": "fault", "tag": "t", "destination": "crm", "event_id": "e", "delivery_id": "d",
            "before": sent(1), "after": null, "fault": "tags/t.rhai:1: it broke\n  hint: mend it",
        });
        assert!(drawn(&fault).ends_with("  tags/t.rhai:1: it broke\n    hint: mend it\n\n"));
    }
}
