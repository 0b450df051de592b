//! What a person does between "I want this event in that tool" and "I dare to change it": commands run
//! as processes in folders of their own.

mod docs;
mod drafts;
mod reuse;
mod start;
mod tests_beside_scripts;
mod traces;
mod walk;

const BAD: i32 = 1;
const USAGE: i32 = 2;
const CONFIGURATION: i32 = 78;

/// An address at which nobody listens.
const NOWHERE: std::net::SocketAddr =
    std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9);
