//! Each scheme against public vectors, and against signatures that are made here.

use super::*;

#[test]
fn senders_sign_the_body() {
    let hexed = hex::encode(of_body("new-secret"));
    let packed = STANDARD.encode(of_body("new-secret"));
    let prefixed = format!("sha256={hexed}");
    let shorter: String = hexed.chars().skip(1).collect();
    for (scheme, header, signature) in [
        ("shopify", "x-shopify-hmac-sha256", &packed),
        ("shopify", "shopify-hmac-sha256", &packed),
        ("woocommerce", "x-wc-webhook-signature", &packed),
        ("github", "x-hub-signature-256", &prefixed),
        ("lemonsqueezy", "x-signature", &hexed),
    ] {
        let script = format!("#{{ scheme: \"{scheme}\", secret: \"NEW\" }}");
        let held = Call::new(&[(header, signature)]).of(&script);
        assert_eq!(held, Ok(Passed::Verified), "{scheme}");
        // One more blank in the JSON is another body.
        let mut changed = Call::new(&[(header, signature)]);
        changed.body = b"{\"id\":  1}".to_vec();
        assert!(
            matches!(changed.of(&script), Err(Why::Wrong(_))),
            "{scheme}"
        );
        assert!(matches!(Call::new(&[]).of(&script), Err(Why::Missing(_))));
        for bad in ["", "x", &shorter, "sha256=", "v0=00", "====", "ü"] {
            assert!(
                Call::new(&[(header, bad)]).of(&script).is_err(),
                "{scheme} {bad}"
            );
        }
    }
    // The other encoding is no signature.
    let script = "#{ scheme: \"github\", secret: \"NEW\" }";
    assert!(
        Call::new(&[("x-hub-signature-256", &hexed)])
            .of(script)
            .is_err()
    );
}

#[test]
fn woocommerce_decodes_its_secret_and_pings_unsigned() {
    let script = "#{ scheme: \"woocommerce\", secret: \"WOO\" }";
    let signature = STANDARD.encode(of_body("a&b"));
    let held = Call::new(&[("x-wc-webhook-signature", &signature)]).of(script);
    assert_eq!(held, Ok(Passed::Verified));
    let mut ping = Call::new(&[]);
    ping.body = b"webhook_id=142".to_vec();
    assert_eq!(ping.of(script), Ok(Passed::Ping));
    let mut signed = Call::new(&[("x-wc-webhook-signature", &signature)]);
    signed.body = b"webhook_id=142".to_vec();
    assert!(signed.of(script).is_err());
    let mut other = Call::new(&[]);
    other.body = b"webhook_id=142".to_vec();
    assert!(
        other
            .of("#{ scheme: \"shopify\", secret: \"NEW\" }")
            .is_err()
    );
}

#[test]
fn stripe_and_paddle_sign_a_time() {
    let script = "#{ scheme: \"stripe\", secret: [\"NEW\", \"OLD\"] }";
    let at = |time: &str| Call::new(&[("stripe-signature", &stripe(time))]).of(script);
    assert_eq!(at("1720602001"), Ok(Passed::Verified));
    assert!(at("1720601701").is_ok() && at("1720602301").is_ok());
    assert!(matches!(at("1720601641"), Err(Why::TooOld(..))));
    assert!(matches!(at("1720602361"), Err(Why::Early(..))));
    for odd in ["1e9", "-1720602001", "", " 1720602001 "] {
        let odd = at(odd);
        assert!(odd.is_err() || odd == Ok(Passed::Verified), "{odd:?}");
    }
    assert!(matches!(at("1e9"), Err(Why::Malformed(..))));
    assert!(matches!(at("-1720602001"), Err(Why::Malformed(..))));
    let wide = "#{ scheme: \"stripe\", secret: \"NEW\", tolerance: \"10m\" }";
    let old = Call::new(&[("stripe-signature", &stripe("1720601641"))]);
    assert_eq!(old.of(wide), Ok(Passed::Verified));

    let text = [&b"1720602001:"[..], BODY].concat();
    let signature = format!(
        "ts=1720602001;h1={}",
        hex::encode(sha256_mac("new-secret", &text))
    );
    let script = "#{ scheme: \"paddle\", secret: \"NEW\" }";
    let paddle = Call::new(&[("paddle-signature", &signature)]);
    assert_eq!(paddle.at(script, NOW + 5_999), Ok(Passed::Verified));
    assert!(matches!(
        paddle.at(script, NOW + 6_000),
        Err(Why::TooOld(..))
    ));
}

#[test]
fn the_list_of_stripe_is_read_as_written() {
    let script = "#{ scheme: \"stripe\", secret: [\"NEW\", \"OLD\"] }";
    let good = stripe("1720602001");
    let signature = good.split_once("v1=").unwrap().1;
    let zeros = "0".repeat(64);
    let wrong = |count: usize| format!("v1={zeros},").repeat(count);
    for (value, holds) in [
        (format!("t=1720602001,v0={signature},v1={zeros}"), false),
        (format!("v1={zeros},v1={signature},t=1720602001"), true),
        (format!(" t = 1720602001 , v1 = {signature}"), true),
        // Eight are looked at.
        (format!("{}v1={signature},t=1720602001", wrong(7)), true),
        (format!("{}v1={signature},t=1720602001", wrong(8)), false),
        (format!("{}v1={signature},t=1720602001", wrong(20)), false),
        (format!("t=1720602001,t=1720602001,v1={signature}"), false),
        (format!("v1={signature}"), false),
        ("t=1720602001".to_owned(), false),
        (format!("t=1720602001,v1={signature}0"), false),
        (
            format!("t=1720602001,v1={}", signature.to_uppercase()),
            true,
        ),
        (",,=,t,v1".to_owned(), false),
    ] {
        let held = Call::new(&[("stripe-signature", &value)]).of(script);
        assert_eq!(held.is_ok(), holds, "{value}: {held:?}");
    }
    let twice = Call::new(&[("stripe-signature", &good), ("stripe-signature", &good)]);
    assert!(matches!(twice.of(script), Err(Why::Malformed(..))));
    // Either secret, while one is being replaced.
    let text = [&b"1720602001."[..], BODY].concat();
    let old = format!(
        "t=1720602001,v1={}",
        hex::encode(sha256_mac("old-secret", &text))
    );
    assert!(Call::new(&[("stripe-signature", &old)]).of(script).is_ok());
    assert!(
        Call::new(&[("stripe-signature", &old)])
            .of("#{ scheme: \"stripe\", secret: \"NEW\" }")
            .is_err()
    );
}

#[test]
fn standard_webhooks_hold_under_both_names() {
    const SCRIPT: &str = "#{ scheme: \"standard_webhooks\", secret: \"WHSEC\" }";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const SENT: Millis = 1_614_265_330_000;
    let call = |names: [&'static str; 3], signature: &str| {
        let values = ["msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", signature];
        let headers: Vec<_> = names.into_iter().zip(values).collect();
        let mut call = Call::new(&headers);
        call.body = b"{\"test\": 2432232314}".to_vec();
        call
    };
    let ours = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let svix = ["svix-id", "svix-timestamp", "svix-signature"];
    assert!(call(ours, SIGNATURE).at(SCRIPT, SENT).is_ok());
    assert!(call(svix, SIGNATURE).at(SCRIPT, SENT).is_ok());
    let two = format!("v1a,AAAA v1,AAAA {SIGNATURE}");
    assert!(call(ours, &two).at(SCRIPT, SENT).is_ok());
    let many = format!("{}{SIGNATURE}", "v1,AAAA ".repeat(8));
    assert!(call(ours, &many).at(SCRIPT, SENT).is_err());
    assert!(
        call(ours, &SIGNATURE.replace("v1,", "v1a,"))
            .at(SCRIPT, SENT)
            .is_err()
    );
    assert!(call(ours, SIGNATURE).at(SCRIPT, SENT + 301_000).is_err());
    assert!(call(ours, SIGNATURE).at(SCRIPT, SENT - 301_000).is_err());
    for missing in 0..3 {
        let mut call = call(ours, SIGNATURE);
        call.headers.remove(ours[missing]);
        assert!(matches!(call.at(SCRIPT, SENT), Err(Why::Missing(_))));
    }
}

#[test]
fn hubspot_signs_the_whole_address() {
    const ADDRESS: &str = "https://tags.example.com/x?who=a@b&c=d%20e";
    let with = |header: &'static str, value: &str| {
        let mut call = Call::new(&[
            (header, value),
            ("x-hubspot-request-timestamp", "1720602001000"),
        ]);
        call.query = "who=a%40b&c=d%20e";
        call
    };
    let text = [b"POST", ADDRESS.as_bytes(), BODY, b"1720602001000"].concat();
    let signature = STANDARD.encode(sha256_mac("new-secret", &text));
    let script = "#{ scheme: \"hubspot_v3\", secret: \"NEW\" }";
    let call = with("x-hubspot-signature-v3", &signature);
    assert_eq!(call.at(script, NOW + 300_000), Ok(Passed::Verified));
    assert!(matches!(
        call.at(script, NOW + 300_001),
        Err(Why::TooOld(..))
    ));
    let mut elsewhere = with("x-hubspot-signature-v3", &signature);
    elsewhere.path = "/y";
    let why = elsewhere.of(script).unwrap_err().to_string();
    assert!(
        why.contains("https://tags.example.com/y?") && why.contains("public_url"),
        "{why}"
    );

    let plain = |parts: &[&[u8]]| hex::encode(Sha256::digest(parts.concat()));
    let address = b"https://tags.example.com/x?who=a%40b&c=d%20e";
    let second = plain(&[b"new-secret", b"POST", address, BODY]);
    let first = plain(&[b"new-secret", BODY]);
    for (scheme, right, wrong) in [
        ("hubspot_v1", &first, &second),
        ("hubspot_v2", &second, &first),
    ] {
        let script = format!("#{{ scheme: \"{scheme}\", secret: [\"OLD\", \"NEW\"] }}");
        assert!(
            with("x-hubspot-signature", right).of(&script).is_ok(),
            "{scheme}"
        );
        assert!(
            with("x-hubspot-signature", wrong).of(&script).is_err(),
            "{scheme}"
        );
    }
    // The vector of HubSpot's own documentation for GET.
    let hash = plain(&[
        b"yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
        b"GET",
        b"https://www.example.com/webhook_uri",
    ]);
    assert_eq!(
        hash,
        "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"
    );
}

#[test]
fn slack_signs_version_time_and_body() {
    let text = [&b"v0:1720602001:"[..], BODY].concat();
    let signature = format!("v0={}", hex::encode(sha256_mac("new-secret", &text)));
    let call = |time: &str| {
        Call::new(&[
            ("x-slack-signature", &signature),
            ("x-slack-request-timestamp", time),
        ])
    };
    let script = "#{ scheme: \"slack\", secret: \"NEW\" }";
    assert_eq!(call("1720602001").of(script), Ok(Passed::Verified));
    assert!(matches!(call("1720602002").of(script), Err(Why::Wrong(_))));
    assert!(matches!(
        call("1720601000").of(script),
        Err(Why::TooOld(..))
    ));
}

#[test]
fn others_say_how_they_sign() {
    let body_1 = mac::<Hmac<Sha1>>("new-secret", BODY);
    let text = [b"7", BODY, b"1720602001/x"].concat();
    let other = mac::<Hmac<Sha512>>("new-secret", &text);
    for (script, headers) in [
        (
            "#{ scheme: \"hmac\", secret: \"NEW\", header: \"X-Signature\" }",
            vec![("x-signature", hex::encode(of_body("new-secret")))],
        ),
        (
            "#{ scheme: \"hmac\", secret: \"NEW\", header: \"x-hub-signature\", prefix: \"sha1=\", algorithm: \"sha1\" }",
            vec![("x-hub-signature", format!("sha1={}", hex::encode(body_1)))],
        ),
        (
            "#{ scheme: \"hmac\", secret: \"NEW\", header: \"sig\", encoding: \"base64\", algorithm: \"sha512\", \
               timestamp: \"when\", tolerance: \"1m\", payload: \"{header:id}{body}{timestamp}{path}\" }",
            vec![
                ("sig", STANDARD.encode(other)),
                ("when", "1720602001".to_owned()),
                ("id", "7".to_owned()),
            ],
        ),
        (
            "#{ scheme: \"hmac\", secret: \"NEW\", header: \"authorization\", prefix: \"HMAC \" }",
            vec![(
                "authorization",
                format!("HMAC {}", hex::encode(of_body("new-secret"))),
            )],
        ),
        (
            "#{ scheme: \"hmac\", secret: \"NEW\", header: \"sig\", timestamp: \"when\" }",
            vec![
                (
                    "sig",
                    hex::encode(sha256_mac(
                        "new-secret",
                        &[&b"1720602001."[..], BODY].concat(),
                    )),
                ),
                ("when", "1720602001".to_owned()),
            ],
        ),
    ] {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        assert_eq!(
            Call::new(&headers).of(script),
            Ok(Passed::Verified),
            "{script}"
        );
        assert!(Call::new(&headers[1..]).of(script).is_err());
        let script = script.replace("NEW", "OLD");
        assert!(Call::new(&headers).of(&script).is_err());
    }
}

#[test]
fn passwords_and_tokens_are_compared_whole() {
    let basic = "#{ scheme: \"basic\", secret: \"USER\" }";
    let bearer = "#{ scheme: \"bearer\", secret: [\"OLD\", \"NEW\"] }";
    let own = "#{ scheme: \"bearer\", secret: \"NEW\", header: \"x-token\" }";
    let encoded = |text: &str| format!("Basic {}", STANDARD.encode(text));
    for (script, header, value, holds) in [
        (basic, "authorization", &*encoded("shop:pa:ss"), true),
        (
            basic,
            "authorization",
            &encoded("shop:pa:ss").replace("Basic", "basic"),
            true,
        ),
        (basic, "authorization", &encoded("shop:pa:s"), false),
        (basic, "authorization", &encoded("shop:"), false),
        (basic, "authorization", "Basic shop:pa:ss", false),
        (basic, "authorization", "Bearer shop:pa:ss", false),
        (basic, "authorization", "", false),
        (bearer, "authorization", "Bearer new-secret", true),
        (bearer, "authorization", "bearer old-secret", true),
        (bearer, "authorization", "Bearer new-secret2", false),
        (bearer, "authorization", "new-secret", false),
        (own, "x-token", "new-secret", true),
        (own, "x-token", "Bearer new-secret", false),
        (own, "authorization", "Bearer new-secret", false),
    ] {
        let held = Call::new(&[(header, value)]).of(script);
        assert_eq!(held.is_ok(), holds, "{script} {value}");
        if let Err(why) = held {
            assert!(!why.to_string().contains("secret2"), "{why}");
        }
    }
}

#[test]
fn addresses_are_of_networks() {
    let script = "#{ scheme: \"ip\", allow: [\"203.0.113.0/29\", \"2001:db8::1\"] }";
    let from = |ip: &str| {
        let mut call = Call::new(&[]);
        call.ip = ip.parse().unwrap();
        call.of(script)
    };
    for ip in ["203.0.113.7", "::ffff:203.0.113.7", "2001:db8::1"] {
        assert!(from(ip).is_ok(), "{ip}");
    }
    for ip in ["203.0.113.8", "2001:db8::2", "127.0.0.1"] {
        assert!(from(ip).is_err(), "{ip}");
    }
}
