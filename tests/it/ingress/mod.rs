//! The public listener over real sockets, with a flow behind it that echoes.

mod exchange;
mod limits;
mod overload;
mod probes;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{HeaderValue, Method, header};
use tagwerk::ingress::{Admission, Drained, Limits, Service, Settings, serve};
use tagwerk::request::{Head, Request, Response};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::raw::Raw;

/// A flow with two routes: `/hook` takes POST, `/pixel` takes GET. It answers with what it got.
struct Echo {
    handled: AtomicUsize,
    started: Semaphore,
    /// Requests to `/hook?wait` take one of these before they are answered.
    released: Semaphore,
}

const MAX_BODY: u64 = 1_000;

impl Service for Echo {
    fn admit(&self, head: &Head<'_>, request_id: &str) -> Admission {
        let allowed = match head.path {
            "/hook" => Method::POST,
            "/pixel" => Method::GET,
            _ => return Admission::Answer(Response::error(404, "no such path", request_id)),
        };
        if *head.method == allowed || (*head.method == Method::HEAD && allowed == Method::GET) {
            return Admission::Read { max_body: MAX_BODY };
        }
        let allow = HeaderValue::from_str(allowed.as_str()).unwrap();
        let answer = Response::error(405, "not with this method", request_id);
        Admission::Answer(answer.with_header(header::ALLOW, allow))
    }

    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send {
        self.handled.fetch_add(1, Ordering::Relaxed);
        async move {
            if request.query == "wait" {
                self.started.add_permits(1);
                self.released.acquire().await.unwrap().forget();
            }
            let answer = serde_json::json!({
                "id": request.id,
                "method": request.method.as_str(),
                "path": request.path,
                "query": request.query,
                "ip": request.ip,
                "body": String::from_utf8_lossy(&request.body),
            });
            // A script may try to frame the answer; it must not succeed.
            Response::json(200, &answer)
                .with_header(header::CONTENT_LENGTH, HeaderValue::from_static("3"))
                .with_header(
                    header::TRANSFER_ENCODING,
                    HeaderValue::from_static("chunked"),
                )
        }
    }
}

/// A running listener.
struct Server {
    address: SocketAddr,
    echo: Arc<Echo>,
    stop: CancellationToken,
    running: JoinHandle<Drained>,
}

impl Server {
    async fn start(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let echo = Arc::new(Echo {
            handled: AtomicUsize::new(0),
            started: Semaphore::new(0),
            released: Semaphore::new(0),
        });
        let stop = CancellationToken::new();
        let running = serve(listener, Arc::clone(&echo), settings, stop.clone()).unwrap();
        let running = tokio::spawn(running);
        Self {
            address,
            echo,
            stop,
            running,
        }
    }

    async fn with_limits(limits: Limits) -> Self {
        Self::start(Settings {
            limits,
            ..Settings::default()
        })
        .await
    }

    async fn connect(&self) -> Raw {
        Raw::connect(self.address).await
    }

    /// Waits until so many requests to `/hook?wait` are being handled.
    async fn started(&self, count: u32) {
        self.echo
            .started
            .acquire_many(count)
            .await
            .unwrap()
            .forget();
    }

    fn handled(&self) -> usize {
        self.echo.handled.load(Ordering::Relaxed)
    }
}

/// A good request.
const PIXEL: &str = "GET /pixel HTTP/1.1\r\nHost: a\r\n\r\n";
/// A request that is answered when the test says so.
const WAITING: &str = "POST /hook?wait HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";

/// `/hook` with these fields, and what follows the head.
fn hook(fields: &str, rest: &str) -> String {
    format!("POST /hook HTTP/1.1\r\nHost: a\r\n{fields}\r\n{rest}")
}
