//! The HTTP side: routes, status codes, error headers, and the handle for a running simulator.

use crate::api::{ApiError, Failure};
use crate::bill::Bill;
use crate::config::SimulatorConfig;
use crate::faults::FaultsError;
use crate::hash::hash;
use crate::ledger::{Counters, RecordAsks};
use crate::record::UnusedScript;
use crate::service::{ListQuery, Service};
use crate::token_counts;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use bytes::Bytes;
use futures::StreamExt;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The largest body of `InvokeModel` (API reference, `InvokeModel`: 25,000,000 bytes).
const MAX_BODY: usize = 25_000_000;

/// The simulator.
#[derive(Debug, Clone, Copy)]
pub struct Simulator;

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorStartError {
    /// The fault script is not valid.
    #[error("the script of faults is not valid")]
    Faults(#[from] FaultsError),
    /// The server cannot listen on the address.
    #[error("cannot listen on {address}")]
    Listen {
        /// The requested address.
        address: SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
}

/// A running simulator. It stops when this is dropped.
pub struct Running {
    address: SocketAddr,
    service: Arc<Service>,
    /// Dropping it signals the server to stop.
    _stop: oneshot::Sender<()>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Running")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Simulator {
    /// Starts a simulator on the current tokio runtime.
    pub async fn start(config: SimulatorConfig) -> Result<Running, SimulatorStartError> {
        config.faults.check()?;
        let listen = config.listen;
        let failed = |source| SimulatorStartError::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let listener = listener.tap_io(|stream| {
            // Sends small responses at once; if this fails, they only arrive later.
            let _ = stream.set_nodelay(true);
        });
        let service = Arc::new(Service::new(config));
        let router = Router::new()
            .route("/model-invocation-job", post(create))
            .route("/model-invocation-job/{job}", get(get_job))
            .route("/model-invocation-job/{job}/stop", post(stop))
            .route("/model-invocation-jobs", get(list))
            .route("/model/{model}/invoke", post(invoke))
            .route("/model/{model}/converse", post(converse))
            .route("/model/{model}/count-tokens", post(count_tokens))
            .fallback(unknown)
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(Arc::clone(&service));
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = axum::serve(listener, router).with_graceful_shutdown(async move {
            let _ = stopped.await;
        });
        tokio::spawn(async move {
            // Serving ends with the signal; accepting connections is retried inside.
            let _ = serve.await;
        });
        Ok(Running {
            address,
            service,
            _stop: stop,
        })
    }
}

impl Running {
    /// Writes all late output that is due by now. Reading or listing jobs does so too; a caller that
    /// reads only S3 needs this.
    pub async fn write_due(&self) {
        self.service.write_due().await;
    }

    /// Returns the endpoint for the SDK's clients, e.g. `http://127.0.0.1:41234`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns what was done since the start.
    pub fn counters(&self) -> Counters {
        self.service.model.ledger().counters.clone()
    }

    /// Returns what was scripted for records and had no effect on any of them so far: given answers that no record
    /// took, and faults that struck none.
    pub fn unused_script(&self) -> UnusedScript {
        self.service.model.unused_script()
    }

    /// Returns what all answers so far cost.
    pub fn bill(&self) -> Bill {
        self.service.model.ledger().billing.bill()
    }

    /// Returns every record sent so far, in the order in which they were first sent.
    pub fn records(&self) -> Vec<RecordAsks> {
        self.service.model.ledger().records().collect()
    }

    /// Returns the records with this id.
    pub fn asks(&self, record_id: &str) -> Vec<RecordAsks> {
        self.matching(|record| record.record_id == record_id)
    }

    /// Returns the records with exactly this prompt: the user's text of the request body.
    pub fn asks_of_prompt(&self, prompt: &str) -> Vec<RecordAsks> {
        let wanted = hash(prompt.as_bytes());
        self.matching(|record| record.prompt == wanted)
    }

    fn matching(&self, wanted: impl Fn(&RecordAsks) -> bool) -> Vec<RecordAsks> {
        let ledger = self.service.model.ledger();
        ledger.records().filter(wanted).collect()
    }
}

type Shared = State<Arc<Service>>;

async fn create(State(service): Shared, body: Bytes) -> Response {
    respond(service.create(&body).await)
}

async fn get_job(State(service): Shared, Path(job): Path<String>) -> Response {
    respond(service.get(&job).await)
}

async fn stop(State(service): Shared, Path(job): Path<String>) -> Response {
    respond(service.stop(&job).await)
}

async fn list(State(service): Shared, Query(query): Query<ListQuery>) -> Response {
    respond(service.list(&query).await)
}

/// The header in which a call of `InvokeModel` names a service tier, and the service the tier that
/// answered.
const TIER: &str = "x-amzn-bedrock-service-tier";

async fn invoke(
    State(service): Shared,
    Path(model): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let tier = headers.get(TIER).and_then(|value| value.to_str().ok());
    match service.invoke(&model, false, tier, &body) {
        Ok((value, tier)) => {
            let mut response = respond(Ok(value));
            if let Some(tier) = tier {
                let name = HeaderValue::from_static(tier.as_str());
                response.headers_mut().insert(TIER, name);
            }
            response
        }
        Err(failure) => respond(Err(failure)),
    }
}

async fn converse(State(service): Shared, Path(model): Path<String>, body: Bytes) -> Response {
    let answered = service.invoke(&model, true, None, &body);
    respond(answered.map(|(value, _)| value))
}

async fn count_tokens(Path(model): Path<String>, body: Bytes) -> Response {
    respond(token_counts::count(&model, &body).map_err(Failure::from))
}

async fn unknown() -> Response {
    error(&ApiError {
        status: 404,
        code: "UnknownOperationException",
        message: "The simulator does not have this operation.".to_owned(),
    })
}

fn respond(result: Result<Value, Failure>) -> Response {
    match result {
        Ok(value) => body(StatusCode::OK, value.to_string()),
        Err(Failure::Error(failure)) => error(&failure),
        Err(Failure::Cut) => cut(),
        Err(Failure::BrokenOff) => broken_off(),
    }
}

fn body(status: StatusCode, text: String) -> Response {
    let mut response = (status, text).into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn error(failure: &ApiError) -> Response {
    let status = StatusCode::from_u16(failure.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = body(status, json!({"message": failure.message}).to_string());
    let code = HeaderValue::from_static(failure.code);
    response.headers_mut().insert("x-amzn-errortype", code);
    response
}

/// Returns a response that breaks off: the server closes the connection, as a rule before it has sent
/// any byte.
fn cut() -> Response {
    let broken = futures::stream::iter([Ok(BEGINNING), Err(reset())]);
    breaking(Body::from_stream(broken))
}

/// Returns a response whose body breaks off: its status and its first byte reach the client.
fn broken_off() -> Response {
    let beginning = futures::stream::iter([Ok(BEGINNING)]);
    // The server sends what it has while it waits for more.
    let end = futures::stream::once(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(reset())
    });
    breaking(Body::from_stream(beginning.chain(end)))
}

/// The beginning of a response that breaks off.
const BEGINNING: Bytes = Bytes::from_static(b"{");

fn reset() -> std::io::Error {
    std::io::ErrorKind::ConnectionReset.into()
}

fn breaking(body: Body) -> Response {
    let mut response = Response::new(body);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
