//! `tagwerk dead show`: everything about one dead letter.

use serde_json::Value;

use super::which::Kind;
use crate::cli::remote::Remote;
use crate::cli::{Exit, paint};
use crate::clock::utc_text;

pub(super) async fn run(remote: &Remote, id: &str, as_json: bool) -> Result<(), Exit> {
    let kind = Kind::of_id(id);
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let letter = remote.get(&format!("{}/{id}", kind.path())).await?;
    if as_json {
        anstream::println!("{letter:#}");
        return Ok(());
    }
    let drawn = match kind {
        Kind::Delivery => delivery(&letter),
        Kind::Request => request(&letter),
    };
    anstream::print!("{drawn}");
    Ok(())
}

fn delivery(letter: &Value) -> String {
    let mut page = Page::default();
    let class = match letter["class"].as_str() {
        Some(class) => format!(" ({class})"),
        None => String::new(),
    };
    let state = format!("{}{class}", text(letter, "state"));
    page.line(
        0,
        format!(
            "delivery {} {}",
            paint::strong(text(letter, "delivery_id")),
            paint::bad(state)
        ),
    );
    page.fact(
        "tag",
        format!("{} → {}", text(letter, "tag"), text(letter, "destination")),
    );
    page.fact("event", text(letter, "event_id"));
    page.time("received", &letter["received_at"]);
    let when = match text(letter, "state") {
        "pending" => "due",
        _ => "settled",
    };
    page.time(when, &letter["due"]);
    page.fact("tries", letter["attempts"].to_string());
    page.text("why", text(letter, "note"));
    page.json("event data", &letter["data"]);
    page.outgoing("would be sent as", letter);
    page.0
}

fn request(letter: &Value) -> String {
    let mut page = Page::default();
    page.line(
        0,
        format!(
            "request {} {}",
            paint::strong(text(letter, "request_id")),
            paint::bad("its client failed")
        ),
    );
    page.fact("client", text(letter, "client"));
    page.time("received", &letter["received_at"]);
    page.text("why", text(letter, "fault"));
    let request = &letter["request"];
    page.fact("from", text(request, "ip"));
    page.line(1, paint::dim("request, without credentials"));
    page.line(
        2,
        format!("{} {}", text(request, "method"), text(request, "path")),
    );
    page.headers(request);
    let body = text(request, "body");
    match serde_json::from_str::<Value>(body) {
        Ok(json) => page.block(2, &format!("{json:#}")),
        Err(_) => page.block(2, body),
    }
    page.0
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}

/// Lines for people.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, depth: usize, text: impl AsRef<str>) {
        self.0.push_str(&"  ".repeat(depth));
        self.0.push_str(text.as_ref());
        self.0.push('\n');
    }

    fn block(&mut self, depth: usize, text: &str) {
        text.lines().for_each(|line| self.line(depth, line));
    }

    fn fact(&mut self, name: &str, value: impl AsRef<str>) {
        self.line(
            1,
            format!("{} {}", paint::dim(format!("{name}:")), value.as_ref()),
        );
    }

    fn time(&mut self, name: &str, at: &Value) {
        let at = utc_text(at.as_i64().unwrap_or_default());
        self.fact(name, format!("{at} UTC"));
    }

    fn text(&mut self, name: &str, text: &str) {
        self.line(1, paint::dim(format!("{name}:")));
        self.block(2, text);
    }

    fn json(&mut self, name: &str, value: &Value) {
        self.text(name, &format!("{value:#}"));
    }

    fn headers(&mut self, request: &Value) {
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            self.line(2, paint::dim(format!("{name}: {value}")));
        }
    }

    fn outgoing(&mut self, name: &str, letter: &Value) {
        if let Some(why) = letter["refused"].as_str() {
            return self.fact(name, format!("nothing: {why}"));
        }
        let request = &letter["request"];
        if request.is_null() {
            return self.fact(name, "nothing: its tag failed");
        }
        self.line(1, paint::dim(format!("{name}:")));
        self.line(
            2,
            format!("{} {}", text(request, "method"), text(request, "url")),
        );
        self.headers(request);
        match request["body"].as_str() {
            Some(body) => self.block(2, body),
            None => self.block(2, &format!("{:#}", request["body"])),
        }
    }
}
