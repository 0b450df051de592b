//! `tagwerk emulate TYPE`: a stand-in for a vendor that says what it gets and why it refuses.

use std::net::SocketAddr;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use tokio_util::sync::CancellationToken;

use super::serve::{Signals, bind, runtime};
use super::{Exit, paint};
use crate::emulator::{self, Emulator, Kind, Received};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk emulate amplitude
  tagwerk emulate slack --listen 127.0.0.1:9101 --answer 429,500,200

Then set `endpoint = \"http://127.0.0.1:9100\"` for the destination in tagwerk.toml.")]
pub(super) struct Options {
    /// The type of destination
    #[arg(value_name = "TYPE", value_parser = types())]
    kind: Kind,

    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9100")]
    listen: SocketAddr,

    /// Statuses to answer the first requests with, whatever they say
    #[arg(long, value_name = "STATUS,…", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(200..=599))]
    answer: Vec<u16>,
}

fn types() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::all().map(Kind::as_str)).try_map(|name| name.parse::<Kind>())
}

pub(super) fn run(options: &Options) -> Result<(), Exit> {
    runtime()?.block_on(emulate(options))
}

async fn emulate(options: &Options) -> Result<(), Exit> {
    let mut signals = Signals::listen()?;
    let listener = bind(options.listen, "--listen")?;
    let emulator = Emulator::new(options.kind)
        .answering(options.answer.clone())
        .announcing(announce);
    let address = listener.local_addr()?;
    anstream::println!(
        "{} stands in at {}; Ctrl-C ends it",
        paint::strong(options.kind),
        paint::strong(format!("http://{address}"))
    );
    let stop = CancellationToken::new();
    tokio::select! {
        () = emulator::serve(listener, emulator, stop.clone()) => {}
        () = signals.next() => {}
    }
    Ok(())
}

fn announce(received: &Received) {
    let status = if received.status < 400 && received.refused.is_empty() {
        paint::good(received.status)
    } else {
        paint::bad(received.status)
    };
    anstream::println!(
        "{} {} {status} {} accepted {}",
        received.method,
        received.path,
        received.accepted,
        paint::dim(&received.answer)
    );
    for why in &received.refused {
        anstream::println!("  {} {why}", paint::bad("refused:"));
    }
}
