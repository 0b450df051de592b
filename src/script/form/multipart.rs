//! `multipart/form-data`, which `FormData` in browsers and uploads are. Texts become texts, files
//! become maps. The whole body is in memory already, so nothing here waits.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use multer::{Field, Multipart};

use super::{add, check_name};
use crate::script::limits;
use crate::script::value::{Map, Value};

/// RFC 2046 allows no more.
const MAX_BOUNDARY_BYTES: usize = 70;

/// A body; its content type names the boundary.
pub(super) fn parse(content_type: &[u8], body: &[u8]) -> Result<Map, String> {
    let mut parts = Multipart::with_reader(body, boundary(content_type)?);
    let mut map = Map::new();
    let mut count = 0;
    while let Some(part) = at_once(parts.next_field())? {
        count += 1;
        if count > limits::FORM_PARTS {
            let most = limits::FORM_PARTS;
            return Err(format!("the form has more than {most} parts"));
        }
        let (name, value) = read(part)?;
        check_name(&name)?;
        add(&mut map, &name, value);
    }
    Ok(map)
}

fn boundary(content_type: &[u8]) -> Result<String, String> {
    let missing = || {
        "the content type of a multipart form must name its boundary: multipart/form-data; boundary=…"
            .to_owned()
    };
    let content_type = std::str::from_utf8(content_type).map_err(|_| missing())?;
    let boundary = multer::parse_boundary(content_type).map_err(|_| missing())?;
    if boundary.is_empty() || boundary.len() > MAX_BOUNDARY_BYTES {
        let most = MAX_BOUNDARY_BYTES;
        return Err(format!("a boundary has 1 to {most} characters"));
    }
    Ok(boundary)
}

fn read(part: Field<'_>) -> Result<(String, Value), String> {
    let name = part.name().map(str::to_owned);
    let name = name.ok_or("a part of the form has no name")?;
    let file = part.file_name().map(str::to_owned);
    let content_type = part.content_type().map(ToString::to_string);
    let content = at_once(part.bytes())?;
    let value = match file {
        Some(file) => to_file(file, content_type, &content),
        None => String::from_utf8(content.into())
            .map(Value::from)
            .map_err(|_| format!("the field {name:?} of the form is not UTF-8"))?,
    };
    Ok((name, value))
}

/// A file's content is there as text if it is one; bytes have no place in a script.
fn to_file(name: String, content_type: Option<String>, content: &Bytes) -> Value {
    let text = std::str::from_utf8(content).ok();
    let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
    let mut file = Map::new();
    file.insert("filename".into(), name.into());
    file.insert(
        "content_type".into(),
        content_type.map_or(Value::UNIT, Value::from),
    );
    file.insert("size".into(), size.into());
    file.insert(
        "text".into(),
        text.map_or(Value::UNIT, |text| text.to_owned().into()),
    );
    Value::from_map(file)
}

/// All bytes are there, so a future that is not ready waits for some that never come.
fn at_once<T>(future: impl Future<Output = multer::Result<T>>) -> Result<T, String> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => {
            result.map_err(|error| format!("the body is no multipart form: {error}"))
        }
        Poll::Pending => Err("the body is no multipart form: it is cut short".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::script::map_to_json;

    const TYPE: &str = "multipart/form-data; boundary=cut";

    fn part(head: &str, content: &str) -> String {
        format!("--cut\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    }

    fn json(body: &str) -> String {
        let map = parse(TYPE.as_bytes(), body.as_bytes()).unwrap_or_else(|why| panic!("{why}"));
        String::from_utf8(map_to_json(&map).unwrap()).unwrap()
    }

    #[test]
    fn texts_and_files_are_read() {
        let file = "--cut\r\nContent-Disposition: form-data; name=\"cv\"; filename=\"a.txt\"\r\n\
                    Content-Type: text/plain\r\n\r\nhello\r\nyou\r\n";
        let body = [
            &part("name=\"event_name\"", "signup"),
            &part("name=tag", "a"),
            &part("name=\"tag\"", "b"),
            file,
            &part("name=\"empty\"; filename=\"\"", ""),
            "--cut--\r\n",
        ]
        .concat();
        let expected = concat!(
            r#"{"cv":{"content_type":"text/plain","filename":"a.txt","size":10,"text":"hello\r\nyou"},"#,
            r#""empty":{"content_type":null,"filename":"","size":0,"text":null},"#,
            r#""event_name":"signup","tag":["a","b"]}"#
        );
        let expected = expected.replace(r#""size":0,"text":null"#, r#""size":0,"text":"""#);
        assert_eq!(json(&body), expected);
        assert_eq!(json("--cut--\r\n"), "{}");
    }

    #[test]
    fn bytes_are_no_text() {
        let body = [
            &b"--cut\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n\xff\xfe\r\n--cut--"[..],
        ]
        .concat();
        let map = parse(TYPE.as_bytes(), &body).unwrap();
        let file = map["f"].clone().cast::<Map>();
        assert!(file["text"].is_unit());
        assert_eq!(file["size"].as_int(), Ok(2));
        let field = b"--cut\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n\xff\r\n--cut--";
        assert!(parse(TYPE.as_bytes(), field).unwrap_err().contains("UTF-8"));
    }

    #[test]
    fn what_is_no_form_is_refused() {
        let whole = [&part("name=\"a\"", "1"), "--cut--"].concat();
        for (content_type, body, why) in [
            ("multipart/form-data", &*whole, "boundary"),
            ("multipart/form-data; boundary=\"\"", &whole, "boundary"),
            (TYPE, "", "no multipart form"),
            (TYPE, "--other--", "no multipart form"),
            (TYPE, whole.trim_end_matches("--cut--"), "no multipart form"),
            (
                TYPE,
                &[&part("filename=\"a\"", ""), "--cut--"].concat(),
                "no name",
            ),
            (
                TYPE,
                &[
                    &part(&format!("name=\"{}\"", "[".repeat(200)), ""),
                    "--cut--",
                ]
                .concat(),
                "nested",
            ),
        ] {
            let refused = parse(content_type.as_bytes(), body.as_bytes()).unwrap_err();
            assert!(refused.contains(why), "{content_type} {body}: {refused}");
        }
        let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        assert!(parse(long.as_bytes(), b"").unwrap_err().contains("1 to 70"));
        let many = [
            &part("name=\"a\"", "1").repeat(limits::FORM_PARTS + 1),
            "--cut--",
        ]
        .concat();
        assert!(
            parse(TYPE.as_bytes(), many.as_bytes())
                .unwrap_err()
                .contains("parts")
        );
    }

    proptest! {
        #[test]
        fn no_body_panics(pieces in prop::collection::vec(
            prop_oneof![
                Just("--cut".to_owned()),
                Just("--".to_owned()),
                Just("\r\n".to_owned()),
                Just("Content-Disposition: form-data; name=\"a\"".to_owned()),
                Just("; filename=".to_owned()),
                "[ -~]{0,9}",
            ],
            0..30,
        )) {
            parse(TYPE.as_bytes(), pieces.concat().as_bytes()).ok();
        }
    }
}
