//! Pages in Markdown, as far as tests look at them: anchors, links, code blocks, code in lines.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Folders of others: what is built, and what is installed.
const NOT_OURS: [&str; 2] = ["target", "node_modules"];

/// A page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// From the top of the repository: `docs/http.md`.
    pub(crate) path: String,
    /// What a link can name behind `#`, as GitHub makes it of headings.
    pub(crate) anchors: Vec<String>,
    pub(crate) links: Vec<Link>,
    pub(crate) blocks: Vec<Block>,
    /// Code within a line, with its line's number.
    pub(crate) spans: Vec<(usize, String)>,
}

/// Where a link or a picture leads, as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Link {
    pub(crate) line: usize,
    pub(crate) to: String,
}

/// A block of code.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) line: usize,
    /// `rhai`, `toml`, …; blank if the page does not say.
    pub(crate) language: String,
    pub(crate) text: String,
    /// The links of the paragraph right before it.
    pub(crate) before: Vec<String>,
}

/// All pages of the repository.
pub(crate) fn pages() -> Vec<Page> {
    let mut found = Vec::new();
    collect(Path::new(""), &mut found);
    assert!(found.len() > 50, "found only {} pages", found.len());
    found
}

/// The pages below a folder.
pub(crate) fn pages_in(folder: &str) -> Vec<Page> {
    let mut found = Vec::new();
    collect(Path::new(folder), &mut found);
    found
}

/// The top of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn collect(folder: &Path, found: &mut Vec<Page>) {
    let mut entries: Vec<_> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap())
        .collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().into_string().unwrap();
        let path = folder.join(&name);
        let is_ours = !name.starts_with('.') && !NOT_OURS.contains(&&*name);
        if entry.file_type().unwrap().is_dir() && is_ours {
            collect(&path, found);
        } else if name.ends_with(".md") {
            let text = fs::read_to_string(root().join(&path)).unwrap();
            found.push(read(path.to_str().unwrap(), &text));
        }
    }
}

/// Reads a page.
pub(crate) fn read(path: &str, text: &str) -> Page {
    let mut reader = Reader::new(path);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        let before = text.bytes().take(range.start);
        let line = 1 + before.filter(|byte| *byte == b'\n').count();
        reader.take(event, line);
    }
    reader.page
}

#[derive(Default)]
struct Reader {
    page: Page,
    /// The heading that is being read.
    heading: Option<String>,
    /// How often each anchor came, because the second is called `anchor-1`.
    seen: BTreeMap<String, usize>,
    /// The block that is being read.
    block: Option<Block>,
    /// Links since the last paragraph began.
    recent: Vec<String>,
}

impl Reader {
    fn new(path: &str) -> Self {
        let mut reader = Self::default();
        path.clone_into(&mut reader.page.path);
        reader
    }

    fn take(&mut self, event: Event<'_>, line: usize) {
        match event {
            Event::Start(tag) => self.start(tag, line),
            Event::End(TagEnd::Heading(_)) => self.end_heading(),
            Event::End(TagEnd::CodeBlock) => {
                self.page.blocks.extend(self.block.take());
                self.recent.clear();
            }
            Event::Text(text) => self.text(&text),
            Event::Code(code) => {
                self.text(&code);
                self.page.spans.push((line, code.to_string()));
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, line: usize) {
        match tag {
            Tag::Heading { .. } => {
                self.heading = Some(String::new());
                self.recent.clear();
            }
            Tag::Paragraph => self.recent.clear(),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                let to = dest_url.to_string();
                self.recent.push(to.clone());
                self.page.links.push(Link { line, to });
            }
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.block = Some(Block {
                    line,
                    language,
                    text: String::new(),
                    before: self.recent.clone(),
                });
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(block) = &mut self.block {
            block.text.push_str(text);
        }
        if let Some(heading) = &mut self.heading {
            heading.push_str(text);
        }
    }

    fn end_heading(&mut self) {
        let anchor = anchor(&self.heading.take().unwrap_or_default());
        let times = self.seen.entry(anchor.clone()).or_default();
        let anchor = match *times {
            0 => anchor,
            times => format!("{anchor}-{times}"),
        };
        *times += 1;
        self.page.anchors.push(anchor);
    }
}

/// What GitHub calls a heading: in lower case, without signs, and with hyphens for spaces.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|letter| match letter {
        ' ' | '-' => Some('-'),
        letter if letter.is_alphanumeric() || letter == '_' => Some(letter),
        _ => None,
    });
    kept.collect::<String>().to_lowercase()
}

#[test]
fn a_page_is_read_as_github_shows_it() {
    let page = read(
        "docs/a.md",
        "# `fn parse`: a client\n\n[x](b.md#c) and `tagwerk check`\n\n## A\n\n## A\n\nsee [f](d.rhai):\n\n```rhai\nlet a;\n```\n\n| a |\n|---|\n| [t](e.md) |\n",
    );
    assert_eq!(page.anchors, ["fn-parse-a-client", "a", "a-1"]);
    let links: Vec<_> = page
        .links
        .iter()
        .map(|link| (link.line, &*link.to))
        .collect();
    assert_eq!(links, [(3, "b.md#c"), (9, "d.rhai"), (17, "e.md")]);
    assert_eq!(page.blocks.len(), 1);
    let block = &page.blocks[0];
    assert_eq!(
        (block.line, &*block.language, &*block.text),
        (11, "rhai", "let a;\n")
    );
    assert_eq!(block.before, ["d.rhai"]);
    assert_eq!(page.spans[1], (3, "tagwerk check".to_owned()));
}
