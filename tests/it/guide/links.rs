//! Every link of every page leads to a file that is there, and to a heading that it has. What is
//! elsewhere is not asked for.

use std::collections::BTreeMap;

use super::markdown::{Page, pages, root};

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let by_path: BTreeMap<&str, &Page> = pages.iter().map(|page| (&*page.path, page)).collect();
    let mut dead = Vec::new();
    let mut followed = 0;
    for page in &pages {
        for link in &page.links {
            if ["https://", "http://", "mailto:"]
                .iter()
                .any(|scheme| link.to.starts_with(scheme))
            {
                continue;
            }
            followed += 1;
            if let Err(why) = follow(page, &link.to, &by_path) {
                dead.push(format!("{}:{}: {}: {why}", page.path, link.line, link.to));
            }
        }
    }
    assert!(
        dead.is_empty(),
        "{} dead links:\n{}",
        dead.len(),
        dead.join("\n")
    );
    assert!(followed > 300, "followed only {followed} links");
}

fn follow(page: &Page, to: &str, pages: &BTreeMap<&str, &Page>) -> Result<(), String> {
    let (file, anchor) = match to.split_once('#') {
        Some((file, anchor)) => (file, Some(anchor)),
        None => (to, None),
    };
    let path = match file {
        "" => page.path.clone(),
        file => resolve(&page.path, file).ok_or("it leads out of the repository")?,
    };
    if root().join(&path).metadata().is_err() {
        return Err(format!("there is no {path}"));
    }
    let Some(anchor) = anchor else { return Ok(()) };
    let target = pages
        .get(&*path)
        .ok_or_else(|| format!("{path} has no headings"))?;
    match target.anchors.iter().any(|known| known == anchor) {
        true => Ok(()),
        false => Err(format!("{path} has {}", target.anchors.join(", "))),
    }
}

/// A path beside a page, without `..`.
fn resolve(page: &str, to: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
