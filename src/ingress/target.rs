//! Which request targets are taken. Paths are matched raw, as they were sent, so everything that
//! two programs could read as two different paths is refused. Nothing is decoded here.

use super::refusal::Refusal;

/// Checks a request target: `/path` or `/path?query`.
pub(super) fn check(target: &[u8]) -> Result<(), Refusal> {
    let mut parts = target.splitn(2, |&byte| byte == b'?');
    check_path(parts.next().unwrap_or_default())?;
    parts.next().map_or(Ok(()), check_query)
}

fn check_path(path: &[u8]) -> Result<(), Refusal> {
    let Some(b"/") = path.get(..1) else {
        return Err(Refusal::Target);
    };
    for (at, &byte) in path.iter().enumerate() {
        match byte {
            b'/' if leads_astray(segment_after(path, at)) => return Err(Refusal::Path),
            b'%' if hides_something(path.get(at + 1..at + 3)) => return Err(Refusal::Path),
            b'\\' => return Err(Refusal::Path),
            _ if !is_path_byte(byte) => return Err(Refusal::Target),
            _ => {}
        }
    }
    Ok(())
}

/// Non-ASCII text is not allowed in a query, but senders put it there: it passes if it is UTF-8.
fn check_query(query: &[u8]) -> Result<(), Refusal> {
    if query.iter().all(|&byte| is_query_byte(byte)) && std::str::from_utf8(query).is_ok() {
        Ok(())
    } else {
        Err(Refusal::Target)
    }
}

/// The rest of the path behind the slash at `slash`.
fn segment_after(path: &[u8], slash: usize) -> &[u8] {
    path.get(slash + 1..).unwrap_or_default()
}

/// True if what follows a slash is another slash, or a segment `.` or `..`.
fn leads_astray(rest: &[u8]) -> bool {
    let at_end = |byte: Option<&u8>| byte.is_none_or(|&byte| byte == b'/');
    match rest {
        [b'/', ..] => true,
        [b'.', b'.', rest @ ..] => at_end(rest.first()),
        [b'.', rest @ ..] => at_end(rest.first()),
        _ => false,
    }
}

/// True for the two digits of an encoded dot or control character, and for no digits at all.
fn hides_something(digits: Option<&[u8]>) -> bool {
    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
    match digits.map(|digits| u8::from_str_radix(digits, 16)) {
        Some(Ok(byte)) => byte == b'.' || byte.is_ascii_control(),
        _ => true,
    }
}

/// What RFC 3986 allows in a path and a little more that is seen (`"`, `{`, `}`, `|`, `^`).
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'#' | b'<' | b'>' | b'\\' | b'`')
}

fn is_query_byte(byte: u8) -> bool {
    (byte.is_ascii_graphic() || !byte.is_ascii()) && !matches!(byte, b'"' | b'#' | b'<' | b'>')
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::ingress::refusal::Refusal;
    use proptest::prelude::*;

    #[test]
    fn targets_and_their_verdicts() {
        let table: &[(&str, Result<(), Refusal>)] = &[
            ("/", Ok(())),
            ("/order_created", Ok(())),
            ("/hooks/shop-1/?a=1&b=%00", Ok(())),
            ("/x;y", Ok(())),
            ("/a.b/..c/d..", Ok(())),
            ("/.well-known/x", Ok(())),
            ("/a%2Fb%7e", Ok(())),
            ("/g/collect?url=https://x.example/a//b/../c", Ok(())),
            ("/q?name=Jürgen&x={}", Ok(())),
            ("", Err(Refusal::Target)),
            ("*", Err(Refusal::Target)),
            ("?a", Err(Refusal::Target)),
            ("example.com:443", Err(Refusal::Target)),
            ("http://example.com/", Err(Refusal::Target)),
            ("/a#b", Err(Refusal::Target)),
            ("/a?b#c", Err(Refusal::Target)),
            ("/ü", Err(Refusal::Target)),
            ("/a\tb", Err(Refusal::Target)),
            ("/a\0", Err(Refusal::Target)),
            ("//x", Err(Refusal::Path)),
            ("/a//b", Err(Refusal::Path)),
            ("/a//", Err(Refusal::Path)),
            ("/a/../admin", Err(Refusal::Path)),
            ("/..", Err(Refusal::Path)),
            ("/a/.", Err(Refusal::Path)),
            ("/./a", Err(Refusal::Path)),
            ("/%2e%2e/", Err(Refusal::Path)),
            ("/%2E", Err(Refusal::Path)),
            ("/x%00", Err(Refusal::Path)),
            ("/x%0d%0a", Err(Refusal::Path)),
            ("/x%1B", Err(Refusal::Path)),
            ("/x%7f", Err(Refusal::Path)),
            ("/x%zz", Err(Refusal::Path)),
            ("/x%", Err(Refusal::Path)),
            ("/x%2", Err(Refusal::Path)),
            ("/x%+1", Err(Refusal::Path)),
            ("/x\\..\\", Err(Refusal::Path)),
        ];
        for (target, verdict) in table {
            assert_eq!(check(target.as_bytes()), *verdict, "{target:?}");
        }
    }

    proptest! {
        /// Otherwise hyper would answer in our place.
        #[test]
        fn what_passes_is_a_uri_for_hyper_with_the_same_path(target in proptest::collection::vec(any::<u8>(), 0..12)) {
            let target = [b"/".as_slice(), &target].concat();
            if check(&target).is_ok() {
                let uri = http::Uri::try_from(target.as_slice()).unwrap();
                prop_assert_eq!(uri.path_and_query().unwrap().as_str().as_bytes(), target);
            }
        }
    }
}
