//! The command line: one file a subcommand, each with its options and a `run`. What a command does
//! beyond reading options and printing is somewhere above in the map.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what a command line is for"
)]

mod add;
mod check;
mod confirm;
mod dead;
mod demo;
mod diff;
mod docs;
mod emulate;
mod exit;
mod healthcheck;
mod init;
mod new;
mod numbers;
mod online;
mod paint;
mod preview;
mod progress;
mod promote;
mod remote;
mod replay;
mod serve;
mod status;
mod table;
mod test;
mod trace;
mod trials;
mod verify;
mod watching;
mod working_set;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::Exit;

/// Self-hosted server-side tagging: webhooks and browser events in, your own scripts, any vendor out.
#[derive(Debug, Parser)]
#[command(name = "tagwerk", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    /// The configuration file
    #[arg(
        long,
        short,
        global = true,
        value_name = "FILE",
        default_value = "tagwerk.toml"
    )]
    config: PathBuf,

    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  tagwerk demo                          see it work, with stand-ins for the vendors
  tagwerk init shop && cd shop          make a folder of your own
  tagwerk new tag --to slack --on purchase
  tagwerk serve                         receive, process, deliver; saved files are live at once
  tagwerk check                         find mistakes before an event does
  tagwerk trace order.http              watch one request pass through the scripts, sending nothing
  tagwerk test                          run the cases in cases/ and compare
  tagwerk preview open                  watch requests on the running server
  tagwerk dead list                     what was given up; `dead retry` runs it again
  tagwerk replay --since 2h --dry-run --diff
                                        what a changed tag would send otherwise
  tagwerk diff draft --since 24h        what the scripts in draft/ would do otherwise; then promote
  tagwerk status                        see how the running server is, and what needs you

Exit codes: 0 good, 1 the checked thing is bad, 2 wrong usage, 70 internal error,
73 the data folder is in use, 78 bad configuration.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Receive, process and deliver (also without a subcommand)
    Serve(serve::Options),
    /// Start a server and stand-ins for the vendors, send sample webhooks, show what was delivered
    Demo(demo::Options),
    /// Make a folder with a configuration, clients and tags to start from
    Init(init::Options),
    /// Make a client or a tag to begin with
    New(new::Options),
    /// Add shipped clients and tags
    Add(add::Options),
    /// Check configuration and scripts, and show every problem
    Check(check::Options),
    /// Run one request through the scripts and show every step; nothing is sent
    Trace(trace::Options),
    /// Run the cases in cases/ and compare what the scripts make of them; nothing is sent
    Test(test::Options),
    /// Watch requests on the running server
    Preview(preview::Options),
    /// What was given up: list, show, retry and discard dead letters
    Dead(dead::Options),
    /// Run the events of a time through the tags again, or see what would differ
    Replay(replay::Options),
    /// Show what the draft set would do otherwise with the events of a time
    Diff(diff::Options),
    /// Make the draft set the live one, and keep the former
    Promote(promote::Promote),
    /// Make the former set the live one again
    Rollback(promote::Rollback),
    /// Recount the journal: whether everything that was acknowledged is accounted for
    Verify(verify::Options),
    /// Stand in for a vendor, as strict as its documentation
    Emulate(emulate::Options),
    /// List the functions that scripts may call, or write the pages of destinations
    Docs(docs::Options),
    /// Show how the running server is, and what needs a person
    Status(status::Options),
    /// Ask the running server whether it is well: exit code 0 or 1
    Healthcheck(healthcheck::Options),
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli
        .command
        .unwrap_or(Command::Serve(serve::Options::default()))
    {
        Command::Serve(options) => serve::run(&options, &cli.config),
        Command::Demo(options) => demo::run(&options),
        Command::Init(options) => init::run(&options),
        Command::New(options) => new::run(&options, &cli.config),
        Command::Add(options) => add::run(&options, &cli.config),
        Command::Check(options) => check::run(&options, &cli.config),
        Command::Trace(options) => trace::run(&options, &cli.config),
        Command::Test(options) => test::run(&options, &cli.config),
        Command::Preview(options) => preview::run(&options, &cli.config),
        Command::Dead(options) => dead::run(&options, &cli.config),
        Command::Replay(options) => replay::run(&options, &cli.config),
        Command::Diff(options) => diff::run(&options, &cli.config),
        Command::Promote(options) => promote::promote(&options, &cli.config),
        Command::Rollback(options) => promote::rollback(&options, &cli.config),
        Command::Verify(options) => verify::run(&options, &cli.config),
        Command::Emulate(options) => emulate::run(&options),
        Command::Docs(options) => docs::run(&options),
        Command::Status(options) => status::run(&options, &cli.config),
        Command::Healthcheck(options) => healthcheck::run(&options, &cli.config),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => exit.report(),
    }
}
