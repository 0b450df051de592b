//! A folder with a configuration and scripts, as a user has one, and what runs it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tagwerk::config::Problems;
use tagwerk::generation::{self, Generation, Loaded};
use tagwerk::request::Request;
use tempfile::TempDir;

/// The time at which all requests of tests arrive: 2024-06-21 12:36:40 UTC.
pub(crate) const NOW: i64 = 1_718_973_400_000;

/// The folder. It is gone when this is dropped.
pub(crate) struct House(TempDir);

impl House {
    /// With one destination, `crm`, and no script.
    pub(crate) fn new() -> Self {
        let house = Self(TempDir::new().unwrap());
        house.write("tagwerk.toml", CONFIG);
        house
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.path().join("tagwerk.toml")
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn try_load(&self) -> Result<Loaded, Problems> {
        generation::load(&self.config_file(), &BTreeMap::new())
    }

    /// The live set, which must be good.
    pub(crate) fn load(&self) -> Generation {
        match self.try_load() {
            Ok(loaded) => loaded.live,
            Err(problems) => panic!("{problems}"),
        }
    }
}

pub(crate) const CONFIG: &str =
    "[destinations.crm]\ntype = \"http\"\nurl = \"https://crm.example.com\"\n";

/// A request that one builds up: `Call::post("/order").body("{}")`.
pub(crate) struct Call(Request);

impl Call {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Self(Request {
            id: "request-1".to_owned(),
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
            ip: [203, 0, 113, 7].into(),
            body: bytes::Bytes::new(),
            received_at: NOW,
        })
    }

    pub(crate) fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        let name = HeaderName::from_static(name);
        self.0.headers.append(name, HeaderValue::from_static(value));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<bytes::Bytes>) -> Self {
        self.0.body = body.into();
        self
    }

    pub(crate) fn build(self) -> Arc<Request> {
        Arc::new(self.0)
    }
}
