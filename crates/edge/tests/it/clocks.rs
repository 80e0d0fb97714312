//! A machine whose clock is off takes the time from the services.

use crate::at;
use aws_config::SdkConfig;
use quarry_edge::clock::{Clock, SystemClock};
use quarry_edge::s3::client::S3Store;
use quarry_edge::sdk::{self, Credentials, SdkOptions};
use quarry_edge::service_time::ServiceClock;
use quarry_edge::signed::{REST_JSON, SignedCalls, SignedService};
use quarry_edge::store::{ObjectStore, StoreError};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const HOUR: u64 = 3_600;

/// A service whose clock differs from the machine's. It refuses calls that are signed with a time
/// more than 15 minutes from its own, as S3 does.
struct Service {
    endpoint: String,
    /// The times that it said when it was called, and those that the calls were signed with.
    called: Arc<Mutex<Vec<(u64, u64)>>>,
}

/// Returns a time as `Date` has it.
fn http_date(seconds: u64) -> String {
    let time = aws_smithy_types::DateTime::from_secs(i64::try_from(seconds).unwrap());
    let format = aws_smithy_types::date_time::Format::HttpDate;
    time.fmt(format).unwrap()
}

/// Reads `x-amz-date`, such as `20261129T120000Z`.
fn signed_at(request: &str) -> u64 {
    let lines = request.lines();
    let date = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("x-amz-date"))
        .map(|(_, value)| value.trim())
        .unwrap();
    let mut text = String::new();
    for (place, character) in date.chars().enumerate() {
        match place {
            4 | 6 => text.push('-'),
            11 | 13 => text.push(':'),
            _ => {}
        }
        let _ = write!(text, "{character}");
    }
    quarry_edge::clock::timestamp(&text).unwrap().as_secs()
}

impl Service {
    async fn start(ahead: bool, by: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = Self {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            called: Arc::default(),
        };
        let called = Arc::clone(&service.called);
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    client.read_buf(&mut request).await.unwrap();
                }
                let machine = SystemClock.now().as_secs();
                let now = if ahead { machine + by } else { machine - by };
                let signed = signed_at(&String::from_utf8_lossy(&request));
                called.lock().unwrap().push((now, signed));
                let (status, body) = if now.abs_diff(signed) > HOUR / 4 {
                    let code = "RequestTimeTooSkewed";
                    let body = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
                    ("403 Forbidden", body)
                } else {
                    ("200 OK", "content".to_owned())
                };
                let length = body.len();
                let date = http_date(now);
                let code = if status.starts_with("403") {
                    "x-amzn-errortype: RequestTimeTooSkewed\r\n"
                } else {
                    ""
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\n{code}date: {date}\r\netag: \"e\"\r\ncontent-length: {length}\r\n\
                     last-modified: {date}\r\nconnection: close\r\n\r\n"
                );
                client.write_all(head.as_bytes()).await.unwrap();
                client.write_all(body.as_bytes()).await.unwrap();
            }
        });
        service
    }
}

fn off() -> [(bool, u64); 4] {
    [
        (true, HOUR / 12),
        (false, HOUR / 12),
        (true, 9 * HOUR),
        (false, 9 * HOUR),
    ]
}

impl Service {
    async fn config(&self, max_attempts: Option<u32>) -> SdkConfig {
        sdk::load(SdkOptions {
            endpoint_url: Some(self.endpoint.clone()),
            region: Some("eu-central-1".to_owned()),
            credentials: Some(Credentials::new("id", "secret", None, None, "test")),
            max_attempts,
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_is_that_of_the_services_and_a_refused_time_is_no_lack_of_permission() {
    for (ahead, by) in off() {
        let service = Service::start(ahead, by).await;
        let config = service.config(Some(1)).await;
        let clock = ServiceClock::of(&config);
        assert!(clock.now().abs_diff(SystemClock.now()) < Duration::from_secs(2));
        let store = S3Store::new(&config, true);
        let first = store.get(&at("o"), 100).await;
        // A call with a wrong time is made again, and is no lack of a permission.
        let is_refused = by > HOUR;
        assert_eq!(first.is_err(), is_refused, "{first:?}");
        if let Err(error) = first {
            assert!(matches!(error, StoreError::Unavailable(..)), "{error:?}");
        }
        let (theirs, _) = *service.called.lock().unwrap().last().unwrap();
        assert!(clock.now().as_secs().abs_diff(theirs) < 10, "{ahead} {by}");
        // The same machine signs the next call with the right time.
        store.get(&at("o"), 100).await.unwrap();
        let (theirs, signed) = *service.called.lock().unwrap().last().unwrap();
        assert!(theirs.abs_diff(signed) < 10, "{ahead} {by}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_refused_for_its_time_is_signed_again_with_that_of_the_service() {
    for (ahead, by) in off() {
        let is_refused = usize::from(by > HOUR);
        let service = Service::start(ahead, by).await;
        let config = service.config(Some(2)).await;
        let store = S3Store::new(&config, true);
        for calls in 1..4 {
            store.get(&at("o"), 100).await.unwrap();
            assert_eq!(service.called.lock().unwrap().len(), calls + is_refused);
        }
        let (theirs, signed) = *service.called.lock().unwrap().last().unwrap();
        assert!(theirs.abs_diff(signed) < 10, "{ahead} {by}");

        // The calls that are signed without a client of the SDK.
        let service = Service::start(ahead, by).await;
        let config = service.config(Some(1)).await;
        let plain = SignedService {
            name: "Plain",
            signing_name: "plain",
            protocol: REST_JSON,
        };
        let calls = SignedCalls::new(&config, plain, None, |_| String::new()).unwrap();
        for made in 1..4 {
            let content = calls.get("Get", "/o").await.unwrap();
            assert_eq!(content, "content");
            assert_eq!(service.called.lock().unwrap().len(), made + is_refused);
        }
        let (theirs, signed) = *service.called.lock().unwrap().last().unwrap();
        assert!(theirs.abs_diff(signed) < 10, "{ahead} {by}");
    }
}
