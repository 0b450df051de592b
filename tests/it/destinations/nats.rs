//! The type `nats` over real sockets: against its stand-in, and against servers that do what no stand-in
//! does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use serde_json::{Value, json};
use tagwerk::config;
use tagwerk::delivery::DeliveryId;
use tagwerk::destination::{Courier, Destination, Item, Reply, TransportError, load_all};
use tagwerk::emulator::Emulator;
use tagwerk::outcome::Outcome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::stand_in::{StandIn, kind};

const TOKEN: &str = "n4ts-t0ken";

fn load(settings: &str) -> Result<Destination, Vec<config::Problem>> {
    let text = format!("[destinations.bus]\ntype = \"nats\"\nsubject = \"orders\"\n{settings}\n");
    let nothing = BTreeMap::<String, String>::new();
    let config = config::parse(&text, "tagwerk.toml".as_ref(), &nothing).unwrap();
    let (_, one) = load_all(&config)?.pop_first().unwrap();
    Ok(Destination::clone(&one))
}

fn destination(port: u16, more: &str) -> Destination {
    load(&format!(
        "url = \"nats://127.0.0.1:{port}\"\ntoken = \"{TOKEN}\"\n{more}"
    ))
    .unwrap()
}

async fn publish(
    courier: &Courier,
    destination: &Destination,
    payload: &Value,
) -> Result<Reply, TransportError> {
    let item = Item {
        id: DeliveryId([1; 16]),
        payload: &payload.to_string().into_bytes(),
        received_at: 0,
        sent_at: 0,
    };
    let outgoing = destination.vendor.encode(&[item]).unwrap();
    let timeout = destination.options.timeout;
    courier.carry(destination, outgoing, timeout).await
}

/// What a server says of one message, as `status text`, or what broke.
async fn told(destination: &Destination) -> String {
    let courier = Courier::new().unwrap();
    match publish(&courier, destination, &json!({ "body": 1 })).await {
        Ok(reply) => reply.summary(),
        Err(error) => format!("{:?} {error}", error.outcome()),
    }
}

#[tokio::test]
async fn a_message_is_stored_by_a_stream_or_had_by_the_server() {
    for more in ["", "jetstream = false"] {
        let bus = StandIn::of("nats").await;
        let courier = Courier::new().unwrap();
        let there = destination(bus.address.port(), more);
        let payload =
            json!({ "subject": "orders.eu", "headers": { "Shop": "b" }, "body": { "n": 1 } });
        for _ in 0..3 {
            let reply = publish(&courier, &there, &payload).await.unwrap();
            assert_eq!(reply.status, 200, "{more}: {}", reply.summary());
        }
        let received = bus.emulator.received();
        let head = "NATS/1.0\r\nNats-Msg-Id: 01010101010101010101010101010101\r\nShop: b\r\n\r\n";
        assert_eq!(received.len(), 3);
        assert_eq!(received[0].path, "/orders.eu");
        assert_eq!(received[0].body, format!("{head}{{\"n\":1}}"));
        let counts: Vec<_> = received
            .iter()
            .map(|one| (one.accepted, one.duplicates))
            .collect();
        assert_eq!(counts, [(1, 0), (0, 1), (0, 1)], "the id is the delivery's");
        bus.stop().await;
    }
}

#[tokio::test]
async fn what_the_stand_in_refuses_it_refuses_in_natss_own_words() {
    let bus = StandIn::of("nats").await;
    let port = bus.address.port();
    let nobody = load(&format!("url = \"nats://127.0.0.1:{port}\"")).unwrap();
    assert_eq!(told(&nobody).await, "401 -ERR 'Authorization Violation'");
    let large = json!({ "body": "x".repeat(1_048_577) });
    let courier = Courier::new().unwrap();
    let reply = publish(&courier, &destination(port, ""), &large)
        .await
        .unwrap();
    assert_eq!(reply.status, 413, "{}", reply.summary());
    assert!(reply.summary().contains("the server takes 1048576"));
    bus.stop().await;
}

#[tokio::test]
async fn answers_that_it_is_told_come_in_natss_own_words() {
    let script = vec![429, 500, 403, 200];
    let bus = StandIn::start(Emulator::new(kind("nats")).answering(script)).await;
    let there = destination(bus.address.port(), "");
    for expected in [
        "429 {\"error\":{\"code\":429,\"description\":\"Too Many Requests\"}}",
        "500 {\"error\":{\"code\":500,\"description\":\"Internal Server Error\"}}",
        "403 -ERR 'Permissions Violation for Publish to \"orders\"'",
        "200 {\"seq\":1,\"stream\":\"STAND_IN\"}",
    ] {
        assert_eq!(told(&there).await, expected);
    }
    bus.stop().await;
}

/// A server that says these things to whoever comes, one after the other, each after something was heard.
struct Script {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Script {
    async fn new(says: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let says: Vec<String> = says.iter().map(|one| (*one).to_owned()).collect();
        let counted = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(play(stream, says.clone()));
            }
        });
        Self { port, connections }
    }
}

async fn play(mut stream: TcpStream, says: Vec<String>) {
    let mut heard = String::new();
    for (number, say) in says.iter().enumerate() {
        let mut piece = vec![0; 4096];
        if number > 0 {
            let Ok(count @ 1..) = stream.read(&mut piece).await else {
                return;
            };
            heard.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
        // The inbox is the client's own.
        let inbox = heard
            .rsplit("HPUB orders ")
            .next()
            .and_then(|rest| rest.split(' ').next());
        let said = say.replace("INBOX", inbox.unwrap_or_default());
        if stream.write_all(said.as_bytes()).await.is_err() {
            return;
        }
    }
    stream.shutdown().await.ok();
}

const INFO: &str = "INFO {\"headers\":true,\"max_payload\":1000}\r\n";

#[tokio::test]
async fn a_server_that_fails_refuses_or_babbles_does_no_harm() {
    let long = "x".repeat(3 << 20);
    let huge = format!("MSG INBOX 1 {}\r\n{long}\r\n", long.len());
    let repeated = format!("-ERR 'no such token {TOKEN}'\r\n");
    for (says, expected) in [
        (
            vec!["HTTP/1.1 400 Bad Request\r\n\r\n"],
            "is no word of NATS",
        ),
        (vec![&*long], "a line of more than 65536 bytes"),
        (vec![""], "the server closed the connection"),
        (vec!["+OK\r\n"], "does not begin with INFO"),
        (
            vec!["INFO {}\r\n"],
            "Paused { why: \"the server knows no headers: it is older than NATS 2.2\" }",
        ),
        (
            vec!["-ERR 'maximum connections exceeded'\r\n"],
            "503 -ERR 'maximum connections exceeded'",
        ),
        (
            vec![
                INFO,
                "-ERR 'maximum account active connections exceeded'\r\n",
            ],
            "503 -ERR 'maximum account active connections exceeded'",
        ),
        (
            vec![INFO, "-ERR 'Authorization Violation'\r\n"],
            "401 -ERR 'Authorization Violation'",
        ),
        (vec![INFO, &repeated], "503 -ERR 'no such token ***'"),
        (
            vec![
                INFO,
                "PONG\r\n",
                "-ERR 'Permissions Violation for Publish to \"orders\"'\r\n",
            ],
            "403 -ERR",
        ),
        (
            vec![INFO, "PONG\r\n", "-ERR 'Maximum Payload Violation'\r\n"],
            "413 -ERR",
        ),
        (
            vec![INFO, "PONG\r\n", "-ERR 'Invalid Publish Subject'\r\n"],
            "400 -ERR",
        ),
        (
            vec![
                INFO,
                "PONG\r\n",
                "PING\r\nHMSG INBOX 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n",
            ],
            "503 no stream takes this subject",
        ),
        (
            vec![INFO, "PONG\r\n", "MSG INBOX 1 5\r\nhello\r\n"],
            "502 hello",
        ),
        (
            vec![
                INFO,
                "PONG\r\n",
                "MSG INBOX 1 24\r\n{\"error\":{\"code\":200}}  \r\n",
            ],
            "500 {",
        ),
        (
            vec![
                INFO,
                "PONG\r\n",
                "MSG INBOX 1 22\r\n{\"error\":{\"code\":503}}\r\n",
            ],
            "503 {",
        ),
        (vec![INFO, "PONG\r\n", &huge], "the most is 65536"),
        (
            vec![INFO, "PONG\r\n", ""],
            "the server closed the connection",
        ),
        (
            vec![INFO, "PONG\r\n", "MSG INBOX 1 18\r\n{\"stream\":1,\"s\r\n"],
            "the server closed the connection",
        ),
        // What is sent in the clear before TLS is not the server's word.
        (
            vec!["INFO {\"headers\":true,\"tls_required\":true}\r\n-ERR 'go away'\r\n"],
            "the server goes on before TLS",
        ),
        (
            vec!["INFO {\"tls_required\":true}\r\n", "no TLS at all"],
            "no TLS",
        ),
    ] {
        let server = Script::new(&says).await;
        let told = told(&destination(server.port, "")).await;
        let shown: Vec<String> = says
            .iter()
            .map(|one| one.chars().take(60).collect())
            .collect();
        assert!(told.contains(expected), "{shown:?}: {told}");
        assert!(!told.contains(TOKEN), "{told}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    for says in [&["INFO"][..], &[INFO, ""], &[INFO, "PONG\r\n", "", "", ""]] {
        let server = Script::new(says).await;
        let told = told(&destination(server.port, "timeout = \"200ms\"")).await;
        assert!(told.contains("Retry"), "{says:?}: {told}");
    }
}

#[tokio::test]
async fn a_connection_serves_one_message_after_the_other_until_the_server_closes_it() {
    let ack = "MSG INBOX 1 10\r\n{\"seq\": 1}\r\n";
    let server = Script::new(&[
        INFO,
        "PONG\r\n",
        ack,
        ack,
        "PING\r\n-ERR 'Stale Connection'\r\n",
    ])
    .await;
    let courier = Courier::new().unwrap();
    let there = destination(server.port, "");
    for expected in [1, 1] {
        let reply = publish(&courier, &there, &json!({})).await.unwrap();
        assert_eq!(reply.status, 200);
        assert_eq!(server.connections.load(Ordering::Relaxed), expected);
    }
}

#[tokio::test]
async fn of_several_servers_the_first_that_is_up_is_used() {
    // Taken, and nobody listens.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let down = socket.local_addr().unwrap().port();
    let full = Script::new(&["-ERR 'maximum connections exceeded'\r\n"]).await;
    let strict = Script::new(&[INFO, "-ERR 'Authorization Violation'\r\n"]).await;
    let bus = StandIn::of("nats").await;
    let among = |ports: &[u16]| {
        let others = ports
            .iter()
            .map(|port| format!("\"nats://127.0.0.1:{port}\""));
        let others = others.collect::<Vec<_>>().join(", ");
        destination(down, &format!("servers = [{others}]"))
    };
    let up = among(&[full.port, bus.address.port()]);
    assert_eq!(told(&up).await, "200 {\"seq\":1,\"stream\":\"STAND_IN\"}");
    // All servers of a cluster know the same users.
    let refused = among(&[strict.port, bus.address.port()]);
    assert_eq!(told(&refused).await, "401 -ERR 'Authorization Violation'");
    assert!(told(&among(&[])).await.contains("cannot connect"));
    bus.stop().await;
}

#[tokio::test]
async fn only_where_the_configuration_leads_is_dialled() {
    let server = Script::new(&[INFO, "PONG\r\n"]).await;
    let courier = Courier::new().unwrap();
    let named = destination(server.port, "");
    // The same server without the leave that its address in the configuration gives.
    for url in ["nats://nats.example.com", "nats://localhost"] {
        let mut other = named.clone();
        other.policy = load(&format!("url = \"{url}\"")).unwrap().policy;
        let refused = publish(&courier, &other, &json!({})).await.unwrap_err();
        let Outcome::Paused { why } = refused.outcome() else {
            panic!("{refused}")
        };
        assert!(why.contains("127.0.0.1 is this machine itself"), "{why}");
        assert!(!refused.may_have_arrived());
    }
    assert_eq!(
        server.connections.load(Ordering::Relaxed),
        0,
        "nothing was dialled"
    );
}

#[test]
fn addresses_that_are_not_what_they_seem_are_refused() {
    let listed = load("url = \"nats://nats.example.com\"\nservers = [\"nats://10.0.0.8\"]");
    let told = listed.unwrap_err()[0].to_string();
    assert!(
        told.contains("`servers`: 10.0.0.8 is an address of a private network"),
        "{told}"
    );
    for (url, why) in [
        (
            "nats://2130706433:4222",
            "is another way to write `127.0.0.1`",
        ),
        ("tls://0x7f.1:4222", "is another way to write `127.0.0.1`"),
        ("nats://[::ffff:127.0.0.1]:4222", "is another way to write"),
        (
            "nats://169.254.169.254:4222",
            "an address that no vendor has",
        ),
        ("nats://10.0.0.8:4222", "an address of a private network"),
        (
            "nats://me:secret@nats.example.com",
            "must not hold a user or password",
        ),
        (
            "nats://nats.example.com/orders",
            "is not the address of a NATS server",
        ),
        (
            "redis://nats.example.com",
            "is not the address of a NATS server",
        ),
        (
            "nats.example.com:4222",
            "is not the address of a NATS server",
        ),
    ] {
        let problems = load(&format!("url = \"{url}\"")).unwrap_err();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(told.join("\n").contains(why), "{url}: {told:?}");
        assert!(!told.join("\n").contains("me:secret"), "{told:?}");
    }
}

/// The bytes of the protocol, as somebody writes them by hand.
#[tokio::test]
async fn the_stand_in_speaks_to_other_clients_too() {
    let bus = StandIn::of("nats").await;
    let mut stream = TcpStream::connect(bus.address).await.unwrap();
    let said = b"CONNECT {\"auth_token\":\"t\"}\r\nSUB in.* 7\r\nPUB orders in.1 2\r\nhi\r\nPING\r\nPUB a..b 0\r\n\r\n";
    stream.write_all(said).await.unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    let heard = String::from_utf8(heard).unwrap();
    let (info, rest) = heard.split_once("\r\n").unwrap();
    assert!(
        info.starts_with("INFO {") && info.contains("\"max_payload\":1048576"),
        "{info}"
    );
    let expected = "MSG in.1 7 29\r\n{\"seq\":1,\"stream\":\"STAND_IN\"}\r\nPONG\r\n-ERR 'Invalid Publish Subject'\r\n";
    assert_eq!(rest, expected);
    assert_eq!(bus.emulator.received()[0].body, Bytes::from_static(b"hi"));
    bus.stop().await;
}
