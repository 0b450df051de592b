//! A temporary folder with a configuration and scripts, for one test. It is removed when dropped.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder to run `tagwerk` in.
pub(crate) struct WorkingSet(TempDir);

/// A client that takes every post to `/order` with a JSON body, and makes an event `order` of it.
pub(crate) const ORDER_CLIENT: &str = r#"
const PATH = "/order";
fn parse(request) { #{ event_name: "order", order_id: request.json.id } }
"#;

/// A tag that sends the order's id to `crm`.
pub(crate) const ORDER_TAG: &str = r#"
const ON = "order";
const TO = "crm";
fn tag(event) { #{ body: #{ id: event.order_id } } }
"#;

impl WorkingSet {
    /// A folder with a configuration: both listeners on free ports, and what is given after that.
    pub(crate) fn new(tables: &str) -> Self {
        let set = Self(tempfile::tempdir().unwrap());
        set.configure(tables);
        set
    }

    /// Orders go from `POST /order` to the one destination, an HTTP API at `crm`.
    pub(crate) fn of_orders(crm: SocketAddr) -> Self {
        Self::new(&http_destination("crm", crm))
            .with("clients/order.rhai", ORDER_CLIENT)
            .with("tags/order.rhai", ORDER_TAG)
    }

    /// The same with one more file.
    pub(crate) fn with(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// Writes the configuration anew.
    pub(crate) fn configure(&self, tables: &str) {
        let listeners =
            "server.listen = \"127.0.0.1:0\"\nadmin.listen = \"127.0.0.1:0\"\n".to_owned();
        self.write("tagwerk.toml", &(listeners + tables));
    }

    /// Writes a file, making its folders.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.file(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Where a file of it is.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The table of a destination of type `http`.
pub(crate) fn http_destination(name: &str, to: SocketAddr) -> String {
    format!("[destinations.{name}]\ntype = \"http\"\nurl = \"http://{to}/{name}\"\n")
}
