//! Cases: a request beside what the scripts must make of it, as files that people read and keep with
//! their scripts. `cases/<name>/request.http` goes in, `events.json` and `deliveries.json` must come
//! out. Run dry, by the same functions as live traffic; nothing is sent. And tests in the language of
//! the scripts, beside them.

mod compare;
mod coverage;
mod expected;
mod http_file;
mod run;
mod save;
mod unit;
mod trial;

pub use compare::{Difference, differences};
pub use coverage::{Coverage, Covered, Untried};
pub use expected::{DELIVERIES_FILE, EVENTS_FILE, Expected, made_by};
pub use http_file::parse;
pub use run::{Ran, Unset, forget_varying, load, load_noting, mark, run};
pub use save::{MAX_NAME_BYTES, SaveError, Saved, check_name, save};
pub use trial::{Refusal, trial};
pub use unit::{TEST_ENDING, TestFile, Tested, run_tests, test_files};

/// The file of a case that is its request.
pub const REQUEST_FILE: &str = "request.http";

/// The folder of cases, beside the configuration.
pub const FOLDER: &str = "cases";

/// In the place of what is another at each run: an id that was made for the event, or the time.
pub const VARIES: &str = "<varies>";
