//! `tagwerk init DIR`: a folder to start from. It never overwrites anything.

use std::path::PathBuf;

use clap::Args;

use super::working_set::{CASES, MORE_REQUESTS, REQUESTS, SCRIPTS, write_new};
use super::{Exit, paint};
use crate::config::DEFAULT_FILE;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk init shop
  cd shop && tagwerk check && tagwerk serve")]
pub(super) struct Options {
    /// The folder; made if it is not there
    dir: PathBuf,
}

const IGNORED: &str =
    "# The journal, the admin tokens and the audit log: not for version control.\n/data\n.env\n";

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
    let own = [
        ("tagwerk.toml", DEFAULT_FILE),
        (".gitignore", IGNORED),
        (".env.example", ENVIRONMENT),
    ];
    let requests = REQUESTS.iter().chain(MORE_REQUESTS);
    let files = own.iter().chain(SCRIPTS).chain(requests).chain(CASES);
    let taken: Vec<&str> = files
        .clone()
        .map(|(path, _)| *path)
        .filter(|path| options.dir.join(path).symlink_metadata().is_ok())
        .collect();
    if let Some((first, more)) = taken.split_first() {
        let more = match more.len() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        let dir = options.dir.display();
        return Err(Exit::usage(format!(
            "{dir} already has {first}{more}; nothing was written"
        )));
    }
    for (path, content) in files {
        write_new(&options.dir, path, content)?;
    }
    let dir = options.dir.display();
    anstream::println!(
        "made {}: tagwerk.toml, clients/, tags/, shared/, examples/requests/, cases/\n",
        paint::strong(&dir)
    );
    anstream::println!("next:\n  cd {dir}");
    for (command, why) in NEXT {
        anstream::println!("  {command:65}{}", paint::dim(why));
    }
    Ok(())
}
