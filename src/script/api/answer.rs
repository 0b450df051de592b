//! `answer::`: answers that senders expect and that are no text. What else `respond` may return is
//! `client`'s business.

use rhai::{Blob, Dynamic, Map};

use super::host::Host;
use super::keys::text;
use super::namespace::Namespace;
use super::{Function, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "answer",
    about: "Ready answers for `respond`.",
    functions: &[Function {
        signature: "answer::pixel() -> map",
        about: "Status 200 and a transparent image of one pixel that no cache keeps, for senders \
                that load an image. Add what else you answer: `answer::pixel() + #{ cookies: … }`.",
        example: r#"answer::pixel().headers["content-type"] == "image/gif""#,
    }],
    register,
};

/// The smallest GIF that every browser shows.
const PIXEL: [u8; 43] = [
    b'G', b'I', b'F', b'8', b'9', b'a', // version
    1, 0, 1, 0, 0x80, 0, 0, // one pixel, a palette of two colours
    0, 0, 0, 0xff, 0xff, 0xff, // black, white
    b'!', 0xf9, 4, 1, 0, 0, 0, 0, // the first of them is transparent
    b',', 0, 0, 0, 0, 1, 0, 1, 0, 0, // the image
    2, 2, 0x44, 1, 0, b';', // its data
];

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name).zero("pixel", pixel).add_to(host);
}

fn pixel() -> Map {
    let headers = Map::from([
        ("content-type".into(), text("image/gif")),
        (
            "cache-control".into(),
            text("no-cache, no-store, must-revalidate"),
        ),
        ("pragma".into(), text("no-cache")),
        ("expires".into(), text("Mon, 01 Jan 1990 00:00:00 GMT")),
    ]);
    Map::from([
        ("status".into(), Dynamic::from_int(200)),
        ("headers".into(), Dynamic::from_map(headers)),
        ("body".into(), Dynamic::from_blob(Blob::from(PIXEL))),
    ])
}
