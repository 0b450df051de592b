//! `.http` files: one HTTP request as text, as editors' REST clients write it, with comments before
//! it. The body is kept to the byte.

use crate::clock::Millis;
use crate::request::Request;

/// Reads a request, as [`Request::from_message`] does. Empty lines and lines that start with `#` or
/// `//` before the request line are comments.
pub fn parse(text: &[u8], now: Millis) -> Result<Request, String> {
    let mut message = text;
    loop {
        let end = message.iter().position(|byte| *byte == b'\n');
        let (line, rest) = message
            .split_at_checked(end.map_or(message.len(), |end| end + 1))
            .unwrap_or_default();
        let line = line.trim_ascii();
        if !line.is_empty() && !line.starts_with(b"#") && !line.starts_with(b"//") {
            return Request::from_message("trace", now, message);
        }
        if rest.is_empty() {
            return Err("there is no request line, such as `POST /order_created`".to_owned());
        }
        message = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_stand_before_the_request() {
        let text = b"# an order\r\n\n// of a shop\nPOST /order_created\n\n# the body\n";
        let request = parse(text, 5).unwrap();
        assert_eq!(request.path, "/order_created");
        assert_eq!(&request.body[..], b"# the body\n");
    }

    #[test]
    fn a_file_without_a_request_says_so() {
        for bad in ["", "\n", "# only a comment", "// only\n\n# comments\n"] {
            let why = parse(bad.as_bytes(), 0).unwrap_err();
            assert!(why.contains("no request line"), "{bad:?}: {why}");
        }
    }
}
