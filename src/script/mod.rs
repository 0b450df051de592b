//! The only place that knows Rhai: engine, limits, compiling, header constants, calling, faults.
//!
//! A script is a pure function here. It opens no socket, reads no file, sees no clock but the
//! event's, and keeps nothing from one call to the next. What a client or a tag *means* is not
//! known in this module: see `client` and `tag`.

mod arguments;
mod branches;
mod budget;
mod builtins;
mod call;
mod calls;
mod closures;
mod compile;
mod compiled;
mod engine;
mod fault;
mod form;
mod header;
mod import;
mod json;
mod known;
mod made;
mod outline;
mod pace;
mod pool;
mod ready;
mod recent;
mod request_view;
mod testing;
mod variables;
mod returned;

pub mod api;
pub mod frame;
pub mod limits;
pub mod tables;
pub mod value;

pub use branches::{Branch, BranchKind, Branches};
pub use call::{Called, call, call_for_event};
pub use compile::{Compiler, Script};
pub use fault::{Cause, Fault, Kind as FaultKind, SourceLine, source_lines};
pub use form::{parse as parse_form, parse_query};
pub use header::{Constants, Header, constants};
pub use json::{BadJson, map_to_json, parse_json, to_json};
pub use made::EventNames;
pub use pace::Pace;
pub use pool::{NotRun, Pool, Worker, make_room_here, with_script_stack};
pub use request_view::{RequestView, parse_cookies};
pub use returned::Key;
pub use testing::{Run as TestRun, TestScript, Tester};
pub use value::{Map, Value};
