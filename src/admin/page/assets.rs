//! The table of the page's files: what the binary carries, and under which path each is served. A file
//! that is not in it is not served; a test holds the table to the folder.

/// A file and what it is.
pub(super) struct Asset {
    /// Where it is asked for.
    pub path: &'static str,
    /// Its `Content-Type`.
    pub kind: &'static str,
    /// What stands in it.
    pub content: &'static str,
}

macro_rules! assets {
    ($kind:literal: $($file:literal)*) => {
        &[$(Asset {
            path: concat!("/page/", $file),
            kind: $kind,
            content: include_str!($file),
        }),*]
    };
}

/// How it looks.
pub(super) const STYLES: &[Asset] = assets! { "text/css; charset=utf-8":
    "css/base.css"
    "css/frame.css"
    "css/json.css"
    "css/live.css"
    "css/login.css"
    "css/pages.css"
    "css/parts.css"
    "css/trace.css"
};

/// What it does.
pub(super) const SCRIPTS: &[Asset] = assets! { "text/javascript; charset=utf-8":
    "js/counts.js"
    "js/dead/act.js"
    "js/dead/group.js"
    "js/dead/letter.js"
    "js/dead/page.js"
    "js/frame.js"
    "js/kit/address.js"
    "js/kit/api.js"
    "js/kit/copy.js"
    "js/kit/dialog.js"
    "js/kit/element.js"
    "js/kit/fault.js"
    "js/kit/feed.js"
    "js/kit/json-search.js"
    "js/kit/json-text.js"
    "js/kit/json-view.js"
    "js/kit/keys.js"
    "js/kit/looking.js"
    "js/kit/ticking.js"
    "js/kit/toast.js"
    "js/kit/viewer.js"
    "js/kit/words.js"
    "js/live/answer.js"
    "js/live/clients.js"
    "js/live/delivery.js"
    "js/live/detail.js"
    "js/live/difference.js"
    "js/live/event.js"
    "js/live/filter.js"
    "js/live/head.js"
    "js/live/line-diff.js"
    "js/live/list.js"
    "js/live/outcome.js"
    "js/live/page.js"
    "js/live/replay.js"
    "js/live/request.js"
    "js/live/rows.js"
    "js/live/save.js"
    "js/live/section.js"
    "js/live/session-strip.js"
    "js/live/tag.js"
    "js/live/teach.js"
    "js/live/time-line.js"
    "js/live/transforms.js"
    "js/live/waterfall.js"
    "js/live/way.js"
    "js/login.js"
    "js/overview/attention.js"
    "js/overview/audit.js"
    "js/overview/chart.js"
    "js/overview/charts.js"
    "js/overview/page.js"
    "js/page.js"
    "js/scripts/page.js"
    "js/scripts/sum.js"
    "js/scripts/tables.js"
    "js/sessions/access.js"
    "js/sessions/forms.js"
    "js/sessions/open.js"
    "js/sessions/page.js"
    "js/sessions/words.js"
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{SCRIPTS, STYLES};

    fn files_below(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let below = |path: PathBuf| match path.is_dir() {
            true => files_below(&path),
            false => vec![path],
        };
        entries.flat_map(below).collect()
    }

    #[test]
    fn every_file_is_in_the_table() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin/page");
        let on_disk: BTreeSet<String> = ["css", "js"]
            .iter()
            .flat_map(|kind| files_below(&folder.join(kind)))
            .map(|file| format!("/page/{}", file.strip_prefix(&folder).unwrap().display()))
            .collect();
        let served: BTreeSet<String> = [STYLES, SCRIPTS]
            .into_iter()
            .flatten()
            .map(|asset| asset.path.to_owned())
            .collect();
        assert!(on_disk.len() > 40, "{on_disk:?}");
        assert_eq!(served, on_disk);
    }

    /// The one way onto the page is `element.js`, and that makes text nodes.
    #[test]
    fn nothing_parses_markup() {
        let parsing = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "createContextualFragment",
            "setHTML",
            "eval(",
            "new Function",
            "srcdoc",
        ];
        for asset in SCRIPTS {
            for word in parsing {
                assert!(!asset.content.contains(word), "{}: {word}", asset.path);
            }
        }
    }

    #[test]
    fn files_stay_small() {
        for asset in [STYLES, SCRIPTS].into_iter().flatten() {
            let lines = asset.content.lines().count();
            assert!(lines <= 500, "{} has {lines} lines", asset.path);
        }
    }
}
