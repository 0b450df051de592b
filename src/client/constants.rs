//! The header constants of a client: which there are, for whoever reads them and for the documentation.

use crate::script::{Constants, constants};

/// All of them. What is none of them is unknown.
pub const CONSTANTS: &[Constants] = &[
    constants(
        &["PATH"],
        "required",
        "the path that it may claim, or an array of them: `\"/order_created\"`; `\"/hooks/:shop\"`, where `:shop` is one part; `\"/g/*\"`, where `*` is the rest, at least one character. Paths are matched as they were sent",
    ),
    constants(
        &["METHODS"],
        "`[\"POST\"]`",
        "of `GET POST PUT PATCH DELETE HEAD OPTIONS`; others get 405 with `Allow`. With `OPTIONS` the client answers browsers' CORS questions itself",
    ),
    constants(
        &["PRIORITY"],
        "`0`",
        "the higher is asked first; among equals the file's name decides. The first that claims a request gets it, and no other",
    ),
    constants(
        &["CORS"],
        "none",
        "which web pages may call it: an origin, an array of origins, or `\"*\"`; see [http.md](http.md#cors)",
    ),
    constants(
        &["MAX_BODY"],
        "`[server] max_body`, `\"1MiB\"`",
        "at most `\"8MiB\"`",
    ),
    constants(
        &["BATCH"],
        "none",
        "the name of an array in a JSON body that holds many calls: a long one is handed to `parse` in [parts](#batches)",
    ),
    constants(
        &["SOURCE"],
        "`\"server\"`",
        "`\"browser\"`: the event gets `ip_override` and `user_agent` from the request unless the script set them. With `\"server\"` it never does, so that a shop's server does not become the visitor",
    ),
    constants(
        &["DEDUPE"],
        "none",
        "where the sender's own id of a request is: `\"header:x-shopify-webhook-id\"`, `\"header:NAME,OTHER-NAME\"` (the first that is there), `\"body:id\"`, `\"body:data.id\"`, `\"query:id\"`, or an array of places whose values make it up together; or `\"event_id\"`: each event has its own. A repeat within 24 hours is answered and not processed again; see [below](#repeats)",
    ),
    constants(
        &["VERIFY"],
        "none",
        "how a request shows that it is from its sender: `#{ scheme: \"stripe\", secret: \"STRIPE_WEBHOOK_SECRET\" }`, where `secret` names an environment variable. What does not hold is answered 401; see [verify.md](verify.md)",
    ),
];
