//! The guide's table of contents, `docs/SUMMARY.md`, as mdBook reads it: every page of `docs/` is in
//! it once, and nothing else.

use std::fs;

use super::markdown::{pages_in, root};

#[test]
fn every_page_is_in_the_summary_once() {
    let pages = pages_in("docs");
    let mut there: Vec<String> = pages
        .iter()
        .map(|page| page.path.clone())
        .filter(|path| path != "docs/SUMMARY.md")
        .collect();
    let summary = pages.iter().find(|page| page.path == "docs/SUMMARY.md");
    let links = summary.expect("there is a summary").links.iter();
    let mut listed: Vec<String> = links.map(|link| format!("docs/{}", link.to)).collect();
    there.sort();
    listed.sort();
    assert_eq!(listed, there);
}

#[test]
fn the_book_is_configured() {
    let text = fs::read_to_string(root().join("docs/book.toml")).unwrap();
    let book: toml::Table = text.parse().unwrap();
    assert_eq!(book["book"]["src"].as_str(), Some("."));
    assert!(book["book"]["title"].is_str());
}
