//! What is read for people, each in one transaction: the file as it was at one commit.

pub(in crate::journal) mod deliveries;
pub(in crate::journal) mod events;
pub(in crate::journal) mod requests;
pub(in crate::journal) mod stock;
pub(in crate::journal) mod verify;

use std::path::Path;

use rusqlite::Connection;

use super::log::kept_beside;
use super::open::{connect_to_read, file_in};
use super::rows::{
    class_of, code_of, code_of_class, read_event, read_record, signed, state_of, unsigned,
};
use super::sum;
use crate::journal::error::Error;
use crate::journal::look::Page;
use crate::journal::store::Room;

/// The journal of a folder, to be read only, whoever has it.
fn connect_to_read_in(folder: &Path) -> Result<Connection, Error> {
    let file = file_in(folder);
    if !file.is_file() {
        let why = format!("{}: there is no journal here", file.display());
        return Err(Error::Storage(why));
    }
    connect_to_read(&file)
}

/// Rows of one page: enough that there are few pages, few enough that the reader is free again soon.
const PAGE_ROWS: usize = 1_000;

/// Bytes of one page; the row that passes this is its last.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

fn room(page: Page) -> Room {
    Room {
        rows: page.limit.min(PAGE_ROWS),
        bytes: PAGE_BYTES,
    }
}

/// A list as one parameter, for `json_each`; nothing if it is empty, which means any.
fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> Option<String> {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    let list = serde_json::to_string(&items).unwrap_or_default();
    (!items.is_empty()).then_some(list)
}
