//! `cookie::`: what one needs to know to set cookies right. They are set by `fn respond`; what a
//! browser would refuse is refused there.

use std::net::IpAddr;

use rhai::Dynamic;

use super::argument;
use super::host::Host;
use super::namespace::{Namespace, Problem};
use super::{Function, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "cookie",
    about: "For cookies that an answer sets.",
    functions: &[Function {
        signature: "cookie::domain(host) -> text",
        about: "The widest domain that a cookie of this host may be for, so that all subdomains of \
                the site get it: what one can register, below a public suffix such as `co.uk` or \
                `github.io`. `()` for an address, `localhost` or a public suffix, whose cookies are \
                for the host alone. A port is passed over.",
        example: r#"cookie::domain("tags.example.co.uk:443") == "example.co.uk" && cookie::domain("127.0.0.1") == ()"#,
    }],
    register,
};

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .one("domain", domain)
        .add_to(host);
}

fn domain(host: Dynamic) -> Result<Dynamic, Problem> {
    let host = argument::text("host", host)?;
    Ok(registrable(&host).map_or(Dynamic::UNIT, Into::into))
}

/// The registrable domain of `host` or `host:port`, in lower case.
pub fn registrable(host: &str) -> Option<String> {
    let host = host.trim();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.strip_suffix('.').unwrap_or(name).to_lowercase();
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '.' | '_');
    if name.parse::<IpAddr>().is_ok() || !name.chars().all(is_name) {
        return None;
    }
    if name.split('.').any(str::is_empty) {
        return None;
    }
    psl::domain_str(&name).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cookies_reach_the_whole_site_and_no_further() {
        for (host, expected) in [
            ("tags.example.com", Some("example.com")),
            ("example.com", Some("example.com")),
            ("a.b.Example.CO.UK:8443", Some("example.co.uk")),
            ("tags.example.com.", Some("example.com")),
            ("shop.github.io", Some("shop.github.io")),
            ("a.shop.github.io", Some("shop.github.io")),
            ("tags.shop.localhost:8080", Some("shop.localhost")),
            ("tags.xn--mller-kva.de", Some("xn--mller-kva.de")),
            ("co.uk", None),
            ("github.io", None),
            ("com", None),
            ("localhost", None),
            ("localhost:8080", None),
            ("127.0.0.1", None),
            ("127.0.0.1:80", None),
            ("[::1]:80", None),
            ("::1", None),
            ("", None),
            (".", None),
            (".example.com", None),
            ("a..example.com", None),
            ("exa mple.com", None),
            ("a;b.example.com", None),
        ] {
            assert_eq!(registrable(host).as_deref(), expected, "{host}");
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_is_the_end_of_what_went_in(host in "[a-z0-9.:\\[\\]ü-]{0,30}") {
            if let Some(domain) = registrable(&host) {
                prop_assert!(host.contains(&domain) && domain.contains('.'));
                prop_assert_eq!(registrable(&domain), Some(domain));
            }
        }
    }
}
