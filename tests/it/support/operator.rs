//! The operator of a running server: commands that talk to it, files that are mended, and the admin
//! API.

use serde_json::{Value, json};

use super::command::{Ended, run};
use super::server::Server;
use super::working_set::WorkingSet;

/// An operator beside a server of a working set.
pub(crate) struct Operator<'a> {
    set: &'a WorkingSet,
    server: &'a Server,
}

impl<'a> Operator<'a> {
    /// Leaves a configuration that says where the server really listens.
    pub(crate) fn new(set: &'a WorkingSet, server: &'a Server) -> Self {
        let (address, admin) = (server.address, server.admin);
        let text = format!("server.listen = \"{address}\"\nadmin.listen = \"{admin}\"\n");
        set.write("running.toml", text);
        Self { set, server }
    }

    /// Runs a command of the running server.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        let arguments = [arguments, &["--config", "running.toml"]].concat();
        run(self.set.path(), &arguments).await
    }

    /// Runs a command that must end with this code, and returns what it printed.
    pub(crate) async fn expect(&self, code: i32, arguments: &[&str]) -> String {
        let ended = self.run(arguments).await;
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, code, "{arguments:?}: {said}");
        said
    }

    /// Saves a script; it is live when this returns.
    pub(crate) async fn save(&self, path: &str, text: &str) {
        self.set.write(path, text);
        let answer = self.server.call("POST", "/api/reload", "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// What the admin API answers with 200.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.server.call("GET", path, "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// What the admin API does and answers with 200.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.server.call("POST", path, &body.to_string()).await;
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.body);
        answer.json()
    }

    /// Waits until so many deliveries of a destination stand there, and no other of it anywhere.
    pub(crate) async fn wait_for(&self, destination: &str, state: &str, count: u64) {
        let wished = json!({ "destination": destination, "state": state, "count": count });
        let is_there = |status: &Value| {
            let counts = status["deliveries"].as_array().unwrap();
            let mut counts = counts
                .iter()
                .filter(|one| one["destination"] == destination && one["count"] != 0);
            counts.next() == Some(&wished) && counts.next().is_none()
        };
        self.server.status_where(is_there).await;
    }
}
