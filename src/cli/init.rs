//! `tagwerk init DIR`: a folder to start from. It never overwrites anything.

use std::path::{Path, PathBuf};

use clap::Args;

use super::docs::definitions;
use super::working_set::{
    CASES, CarriedFile, Kind, MORE_REQUESTS, REQUESTS, SCRIPTS, Shipped, write_new,
};
use super::{Exit, paint};
use crate::config::DEFAULT_FILE;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk init shop
  tagwerk init shop --minimal           one client, one tag, one case
  cd shop && tagwerk check && tagwerk serve

With --minimal, `tagwerk add` and `tagwerk new` bring what you need.")]
pub(super) struct Options {
    /// The folder; made if it is not there
    dir: PathBuf,

    /// Only one client, one tag and one case, instead of all that is shipped
    #[arg(long)]
    minimal: bool,
}

const IGNORED: &str = "\
# The journal, the admin tokens and the audit log: not for version control.
/data
.env
# What `tagwerk promote` keeps for `tagwerk rollback`.
/former
";

const ENVIRONMENT: &str = "\
# Copy to .env, fill in, and load it before `tagwerk serve`: set -a; . ./.env; set +a
AMPLITUDE_API_KEY=
TRACIFY_TOKEN=
TRACIFY_CUSTOMER_SITE_ID=
SLACK_WEBHOOK_URL=
CRM_TOKEN=
# Of senders, for the VERIFY lines of clients/*.rhai: docs/verify.md
# STRIPE_WEBHOOK_SECRET=
# SHOPIFY_WEBHOOK_SECRET=
# WOOCOMMERCE_WEBHOOK_SECRET=
";

const CI: &str = "\
# What must hold before a change goes live: the scripts load, and the cases and tests pass.
name: tagwerk
on: [push, pull_request]
jobs:
  tagwerk:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      # Put the binary that your server runs on the PATH here; the image of deploy/Dockerfile has it.
      - run: tagwerk check --format github
      - run: tagwerk test --coverage
";

const SETTINGS: &str = r#"{
    "files.associations": { "*.rhai": "rhai", "*.http": "http" },
    "files.insertFinalNewline": true,
    "[rhai]": { "editor.tabSize": 4, "editor.insertSpaces": true }
}
"#;

const EXTENSIONS: &str = r#"{
    "recommendations": ["rhaiscript.vscode-rhai", "humao.rest-client", "tamasfe.even-better-toml"]
}
"#;

/// `check` as a task whose findings stand in the editor.
const TASKS: &str = r#"{
    "version": "2.0.0",
    "tasks": [
        {
            "label": "tagwerk check",
            "type": "shell",
            "command": "tagwerk check",
            "group": { "kind": "build", "isDefault": true },
            "problemMatcher": {
                "owner": "tagwerk",
                "fileLocation": ["relative", "${workspaceFolder}"],
                "pattern": [
                    { "regexp": "^(error|warning)(?:\\[[a-z-]+\\])?: (.*)$", "severity": 1, "message": 2 },
                    { "regexp": "^\\s*--> (.*):(\\d+):(\\d+)$", "file": 1, "line": 2, "column": 3 }
                ]
            }
        },
        { "label": "tagwerk test", "type": "shell", "command": "tagwerk test", "group": "test", "problemMatcher": [] }
    ]
}
"#;

/// What is in every folder.
const OWN: [CarriedFile; 7] = [
    ("tagwerk.toml", DEFAULT_FILE),
    (".gitignore", IGNORED),
    (".env.example", ENVIRONMENT),
    (".github/workflows/tagwerk.yml", CI),
    (".vscode/settings.json", SETTINGS),
    (".vscode/extensions.json", EXTENSIONS),
    (".vscode/tasks.json", TASKS),
];

/// The tag of a minimal folder, and what its case must give.
const TAG: &str = "\
// Each order goes to our own CRM.
const ON = \"order_created\";
const TO = \"crm\";

fn tag(event) {
    #{
        path: `/${event.transaction_id}`,
        body: #{ total: num(event.value, 0), currency: event.currency },
    }
}
";

const TEST: &str = "\
// Tests of crm_order.rhai: `tagwerk test` runs each function whose name begins with test_.

fn test_an_order_goes_to_the_crm() {
    let ran = run(#{ event_name: \"order_created\", transaction_id: \"727\", value: \"29.35\", currency: \"USD\" });
    assert_eq(ran.payloads, [#{ path: \"/727\", body: #{ total: 29.35, currency: \"USD\" } }]);
}
";

const DELIVERIES: &str = r#"[
  {
    "destination": "crm",
    "request": {
      "body": {
        "currency": "USD",
        "total": 29.35
      },
      "headers": {
        "content-type": "application/json",
        "idempotency-key": "37374a8832ddf9e5f101b7dd25628065",
        "webhook-id": "37374a8832ddf9e5f101b7dd25628065"
      },
      "method": "POST",
      "url": "https://crm.example.com/hooks/orders/727"
    },
    "tag": "crm_order"
  }
]
"#;

const NEXT: [(&str, &str); 4] = [
    ("tagwerk check", "# find mistakes before an event does"),
    (
        "tagwerk trace examples/requests/woocommerce_order_created.http",
        "# watch an order pass through",
    ),
    ("tagwerk test", "# run the cases in cases/"),
    ("tagwerk serve", "# listen on 127.0.0.1:8080"),
];

pub(super) fn run(options: &Options) -> Result<(), Exit> {
    let files = match options.minimal {
        true => minimal(),
        false => {
            let requests = REQUESTS.iter().chain(MORE_REQUESTS);
            OWN.iter()
                .chain(SCRIPTS)
                .chain(requests)
                .chain(CASES)
                .copied()
                .collect()
        }
    };
    write_all(&options.dir, &files)?;
    definitions::write(&options.dir.join(definitions::FOLDER))?;
    let dir = options.dir.display();
    let parts = match options.minimal {
        true => "tagwerk.toml, one client, one tag, one case",
        false => "tagwerk.toml, clients/, tags/, shared/, examples/requests/, cases/",
    };
    anstream::println!("made {}: {parts}\n", paint::strong(&dir));
    anstream::println!("next:\n  cd {dir}");
    let has_requests =
        |(command, _): &&(&str, &str)| !options.minimal || !command.contains("examples/");
    for (command, why) in NEXT.iter().filter(has_requests) {
        anstream::println!("  {command:65}{}", paint::dim(why));
    }
    Ok(())
}

fn minimal() -> Vec<CarriedFile> {
    let mut files = OWN.to_vec();
    let client = "clients/woocommerce.rhai";
    let modules = Shipped::find(Kind::Client, "woocommerce").map(|client| client.imports());
    let modules: Vec<&str> = modules
        .unwrap_or_default()
        .iter()
        .map(|module| module.name)
        .collect();
    let is_wanted = |path: &str| {
        let module = path
            .strip_prefix("shared/")
            .and_then(|rest| rest.strip_suffix(".rhai"));
        path == client || module.is_some_and(|module| modules.contains(&module))
    };
    files.extend(SCRIPTS.iter().filter(|(path, _)| is_wanted(path)));
    let case = [
        "cases/woocommerce-order/request.http",
        "cases/woocommerce-order/events.json",
    ];
    files.extend(CASES.iter().filter(|(path, _)| case.contains(path)));
    files.extend([
        ("tags/crm_order.rhai", TAG),
        ("tags/crm_order.test.rhai", TEST),
        ("cases/woocommerce-order/deliveries.json", DELIVERIES),
    ]);
    files
}

/// All of them, or none.
fn write_all(dir: &Path, files: &[CarriedFile]) -> Result<(), Exit> {
    let taken: Vec<&str> = files
        .iter()
        .map(|(path, _)| *path)
        .filter(|path| dir.join(path).symlink_metadata().is_ok())
        .collect();
    if let Some((first, more)) = taken.split_first() {
        let more = match more.len() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        let dir = dir.display();
        return Err(Exit::usage(format!(
            "{dir} already has {first}{more}; nothing was written"
        )));
    }
    for (path, content) in files {
        write_new(dir, path, content)?;
    }
    Ok(())
}
