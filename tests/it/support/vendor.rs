//! A vendor that gives the answers it was told to, one after the other, and remembers what came.
//! For answers that no stand-in gives.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::Instant;

/// One that is listening. When its answers are used up, it answers 200.
#[derive(Clone)]
pub(crate) struct Vendor {
    pub(crate) address: SocketAddr,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    answers: Mutex<VecDeque<Value>>,
    came_in: Mutex<Vec<(Instant, Bytes)>>,
    came: Notify,
    /// While somebody holds this, no request is answered.
    gate: tokio::sync::Mutex<()>,
}

impl Vendor {
    /// Answers are `{ status, headers?, body? }`.
    pub(crate) async fn answering(answers: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Arc::new(Inner::default());
        inner.answers.lock().unwrap().extend(answers.to_vec());
        let vendor = Self {
            address: listener.local_addr().unwrap(),
            inner: inner.clone(),
        };
        let router = Router::new().fallback(answer).with_state(inner);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        vendor
    }

    /// The bodies that came, as JSON.
    pub(crate) fn received(&self) -> Vec<Value> {
        let came_in = self.inner.came_in.lock().unwrap();
        let json = |body: &Bytes| serde_json::from_slice(body).unwrap_or_default();
        came_in.iter().map(|(_, body)| json(body)).collect()
    }

    /// When they came, in tokio's time.
    pub(crate) fn arrivals(&self) -> Vec<Instant> {
        let came_in = self.inner.came_in.lock().unwrap();
        came_in.iter().map(|(at, _)| *at).collect()
    }

    /// Waits until so many requests came; they may not be answered yet.
    pub(crate) async fn wait_for(&self, requests: usize) {
        loop {
            let came = self.inner.came.notified();
            if self.received().len() >= requests {
                return;
            }
            came.await;
        }
    }

    /// Answers nobody until the guard is dropped.
    pub(crate) async fn hold(&self) -> impl Drop + use<'_> {
        self.inner.gate.lock().await
    }
}

async fn answer(State(vendor): State<Arc<Inner>>, body: Bytes) -> Response {
    vendor.came_in.lock().unwrap().push((Instant::now(), body));
    vendor.came.notify_one();
    drop(vendor.gate.lock().await);
    let answer = vendor.answers.lock().unwrap().pop_front();
    let answer = answer.unwrap_or_else(|| serde_json::json!({ "status": 200 }));
    let status = u16::try_from(answer["status"].as_u64().unwrap()).unwrap();
    let body = match &answer["body"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        let name: HeaderName = name.parse().unwrap();
        let value = HeaderValue::from_str(value.as_str().unwrap()).unwrap();
        response.headers_mut().insert(name, value);
    }
    response
}
