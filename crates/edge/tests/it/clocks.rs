//! A machine whose clock is off takes the time from the services.

use crate::at;
use quarry_edge::clock::{Clock, SystemClock};
use quarry_edge::s3::client::S3Store;
use quarry_edge::sdk::{self, Credentials, SdkOptions};
use quarry_edge::service_time::ServiceClock;
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
                let head = format!(
                    "HTTP/1.1 {status}\r\ndate: {date}\r\netag: \"e\"\r\ncontent-length: {length}\r\n\
                     last-modified: {date}\r\nconnection: close\r\n\r\n"
                );
                client.write_all(head.as_bytes()).await.unwrap();
                client.write_all(body.as_bytes()).await.unwrap();
            }
        });
        service
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_is_that_of_the_services_and_a_refused_time_is_no_lack_of_permission() {
    for (ahead, by) in [
        (true, HOUR / 12),
        (false, HOUR / 12),
        (true, 9 * HOUR),
        (false, 9 * HOUR),
    ] {
        let service = Service::start(ahead, by).await;
        let config = sdk::load(SdkOptions {
            endpoint_url: Some(service.endpoint.clone()),
            region: Some("eu-central-1".to_owned()),
            credentials: Some(Credentials::new("id", "secret", None, None, "test")),
            max_attempts: Some(1),
        })
        .await;
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
    }
}
