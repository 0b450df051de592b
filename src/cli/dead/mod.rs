//! `tagwerk dead`: what was given up on the running server. Two kinds are one list here: deliveries
//! that are dead, and requests whose client failed.

mod act;
mod list;
mod show;
mod which;

use std::path::Path;

use clap::{Args, Subcommand};

use super::{Exit, remote};
use which::{Filters, Which};

pub(super) use which::moment;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk dead list --since 1d
  tagwerk dead show 1b4f0e9851971998e732078544c96b36
  tagwerk dead retry --tag crm_order
  tagwerk dead discard --class expired --yes

A dead letter is a delivery that was given up, or a request whose client failed. They are kept for
[journal] dead_letter_retention, 14 days unless it says otherwise.")]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List dead letters, the oldest first
    #[command(after_help = "\
Examples:
  tagwerk dead list
  tagwerk dead list --tag crm_order --since 2h
  tagwerk dead list --json | jq -r 'select(.class == \"rejected\") | .id'

--json prints one object a line, of all dead letters, each with `kind` (delivery or request) and `id`.")]
    List {
        #[command(flatten)]
        filters: Filters,
        /// How many of each kind to print, up to 1000
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1000))]
        limit: u64,
        /// Print all of them as JSON, one a line
        #[arg(long, conflicts_with = "limit")]
        json: bool,
    },
    /// Show everything about one: event data, what went wrong, the request that would be sent
    #[command(after_help = "\
Examples:
  tagwerk dead show 1b4f0e9851971998e732078544c96b36
  tagwerk dead show a155ace41657dccf --json | jq .request.body")]
    Show {
        /// The id of a delivery (32 digits) or of a request (16), as `list` prints it
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run them again with the scripts as they are now, or send them as they are
    #[command(after_help = "\
Examples:
  tagwerk dead retry 1b4f0e9851971998e732078544c96b36
  tagwerk dead retry --tag crm_order           after you have mended tags/crm_order.rhai
  tagwerk dead retry --client woocommerce      requests that a client failed on
  tagwerk dead retry --class exhausted --as-sent
  tagwerk dead retry --all

The tag runs again for its event, and what it makes now takes the place of the dead letter, under
the same id; if it makes nothing any more, the dead letter is skipped. A tag that is gone, switched
off, or does not listen to the event leaves it as it is. A request goes through the clients again;
its events come into the journal instead of it.

Exit codes: 0 all of it is on its way, 1 something is dead again or was left.")]
    Retry {
        #[command(flatten)]
        which: Which,
        /// Send again what was made then, and run no script
        #[arg(long)]
        as_sent: bool,
    },
    /// Give them up for good: they are not sent, and no longer listed
    #[command(after_help = "\
Examples:
  tagwerk dead discard 1b4f0e9851971998e732078544c96b36
  tagwerk dead discard --destination crm --until 7d
  tagwerk dead discard --all --yes             where nobody can be asked")]
    Discard {
        #[command(flatten)]
        which: Which,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

pub(super) fn run(options: &Options, config: &Path) -> Result<(), Exit> {
    remote::ask(config, async |remote| match &options.action {
        Action::List { filters, json, .. } if *json => list::print_json(remote, filters).await,
        Action::List { filters, limit, .. } => list::print(remote, filters, *limit).await,
        Action::Show { id, json } => show::run(remote, id, *json).await,
        Action::Retry { which, as_sent } => act::retry(remote, which, *as_sent).await,
        Action::Discard { which, yes } => act::discard(remote, which, *yes).await,
    })
}
