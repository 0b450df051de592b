//! What the two load generators share: the order, the answer's bytes, and the account that is printed.
use std::{collections::BTreeMap, io::Write};

const BASE: u64 = 1_000_000_000;

/// One request that was sent: its number, its status (0 = the connection ended), and the microseconds that it took.
pub type Sent = (u64, u16, u32);

pub struct Options(Vec<String>);

impl Options {
    /// Those given as `key=value`, after the positional ones.
    pub fn new(arguments: &[String]) -> Self {
        Self(arguments.iter().filter(|argument| argument.contains('=')).cloned().collect())
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        let found = self.0.iter().find_map(|option| option.strip_prefix(key)?.strip_prefix('='));
        found.map(|value| value.parse().unwrap_or_else(|_| panic!("{key} wants a number, not {value}")))
    }

    /// `header=Name: value`, as a line of the head.
    pub fn header(&self) -> String {
        let found = self.0.iter().find_map(|option| option.strip_prefix("header="));
        found.map(|header| format!("{header}\r\n")).unwrap_or_default()
    }
}

/// Writes the request of an order into `out`. One order in four is over 100.
pub fn fill(template: &str, number: u64, path: &str, host: &str, header: &str, out: &mut Vec<u8>) {
    let total = if number % 4 == 0 { "129.90" } else { "89.90" };
    let body = template.replacen("{{ID}}", &(BASE + number).to_string(), 1).replacen("{{TOTAL}}", total, 1);
    out.clear();
    write!(out, "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nUser-Agent: WooCommerce/9.8.1 Hookshot (WordPress/6.8)\r\nX-WC-Webhook-Topic: order.created\r\n{header}Content-Length: {}\r\n\r\n", body.len()).unwrap();
    out.extend_from_slice(body.as_bytes());
}

/// The head of an answer.
pub struct Head {
    pub status: u16,
    pub keeps_alive: bool,
    pub retry_after: bool,
    chunked: bool,
    head: usize,
    length: usize,
}

impl Head {
    /// None while it is not whole.
    pub fn read(bytes: &[u8]) -> std::io::Result<Option<Self>> {
        let bad = || std::io::Error::other("bad response");
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(&bytes[..end]).map_err(|_| bad())?;
        let status = text.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(bad)?;
        let mut head = Self { status, keeps_alive: true, retry_after: false, chunked: false, head: end + 4, length: 0 };
        for (name, value) in text.split("\r\n").skip(1).filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") { head.length = value.parse().map_err(|_| bad())? }
            else if name.eq_ignore_ascii_case("transfer-encoding") { head.chunked = value.eq_ignore_ascii_case("chunked") }
            else if name.eq_ignore_ascii_case("connection") { head.keeps_alive = !value.eq_ignore_ascii_case("close") }
            else if name.eq_ignore_ascii_case("retry-after") { head.retry_after = true }
        }
        Ok(Some(head))
    }

    /// True once the body is there too.
    pub fn is_whole(&self, bytes: &[u8]) -> bool {
        if self.chunked { bytes[self.head..].ends_with(b"0\r\n\r\n") } else { bytes.len() >= self.head + self.length }
    }
}

/// One byte for each number: 0 = never sent, 1 = sent without 2xx, 2 = 2xx.
pub fn write_acked(file: &str, all: &[Sent]) {
    let most = all.iter().map(|sent| sent.0).max().unwrap_or(0) as usize;
    let mut states = vec![0u8; most + 1];
    for (number, status, _) in all {
        states[*number as usize] = if (200..300).contains(status) { 2 } else { 1 };
    }
    std::fs::write(file, &states).unwrap();
}

/// The account as a line of JSON; `more` are further members of it.
pub fn account(all: &[Sent], wall: f64, more: &str) -> String {
    let wall = wall.max(0.001); // a few requests may be over before the common begin
    let mut good: Vec<u32> = all.iter().filter(|sent| (200..300).contains(&sent.1)).map(|sent| sent.2).collect();
    let mut codes = BTreeMap::<u16, u64>::new();
    for sent in all { *codes.entry(sent.1).or_default() += 1; }
    let codes: Vec<String> = codes.iter().map(|(status, count)| format!("\"{status}\":{count}")).collect();
    good.sort_unstable();
    let at = |part| percentile(&good, part);
    format!("{{\"sent\":{},\"acked\":{},\"wall\":{wall:.3},\"rps\":{:.1},\"p50\":{:.3},\"p90\":{:.3},\"p99\":{:.3},\"p999\":{:.3},\"max\":{:.3},\"codes\":{{{}}}{more}}}",
        all.len(), good.len(), good.len() as f64 / wall, at(0.5), at(0.9), at(0.99), at(0.999), at(1.0), codes.join(","))
}

/// In milliseconds, of sorted microseconds.
pub fn percentile(sorted: &[u32], part: f64) -> f64 {
    if sorted.is_empty() { return 0.0 }
    sorted[((sorted.len() as f64 * part) as usize).min(sorted.len() - 1)] as f64 / 1000.0
}
