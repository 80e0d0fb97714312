//! Starting and stopping the server, with its port and its thread.

use crate::observer::Observer;
use crate::service::DirectoryService;
use crate::storage::Storage;
use crate::users::{CountedRequests, Credentials, RequestCount, SignedByUsers, Users};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder as Connections;
use s3s::service::{S3Service, S3ServiceBuilder};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder as RuntimeBuilder, Runtime};
use tokio::sync::oneshot;

/// Why the server did not start, or a bucket was not created.
#[derive(Debug, thiserror::Error)]
pub enum S3StartError {
    /// The directory is not usable.
    #[error("`{path}` cannot be used for objects")]
    Directory {
        /// The directory.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The system gives no random bytes for the server's keys.
    #[error("the S3 server cannot make its keys")]
    Keys(#[source] io::Error),
    /// No port or no thread is available.
    #[error("the S3 server cannot listen on 127.0.0.1")]
    Listen(#[source] io::Error),
    /// The bucket's name is not valid, or its folder cannot be created.
    #[error("bucket `{name}` cannot be made: {reason}")]
    Bucket {
        /// The name.
        name: String,
        /// The cause.
        reason: String,
    },
}

/// A running server. It ends when it is stopped or dropped, which cuts requests that are under way.
///
/// It has its own threads, so it can be used with or without an async runtime.
#[derive(Debug)]
pub struct LocalS3 {
    address: SocketAddr,
    credentials: Credentials,
    users: Arc<Users>,
    storage: Arc<Storage>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl LocalS3 {
    /// Serves `directory` on a free port of 127.0.0.1, and creates it if it does not exist. Clients
    /// must use path-style addresses.
    pub fn start(directory: &Path) -> Result<Self, S3StartError> {
        Self::start_observed(directory, Arc::new(|_| {}))
    }

    /// Like [`Self::start`], with an observer of the bytes that are read and written.
    pub fn start_observed(directory: &Path, observer: Observer) -> Result<Self, S3StartError> {
        let storage = std::fs::create_dir_all(directory)
            .and_then(|()| directory.canonicalize())
            .and_then(|directory| Storage::open(&directory))
            .map_err(|source| S3StartError::Directory {
                path: directory.display().to_string(),
                source,
            })?;
        let storage = Arc::new(storage);
        let users = Arc::new(Users::default());
        let credentials = users.add().map_err(S3StartError::Keys)?;
        let mut service =
            S3ServiceBuilder::new(DirectoryService::new(Arc::clone(&storage), observer));
        service.set_auth(SignedByUsers(Arc::clone(&users)));
        service.set_access(CountedRequests(Arc::clone(&users)));
        let service = service.build();

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(S3StartError::Listen)?;
        listener
            .set_nonblocking(true)
            .map_err(S3StartError::Listen)?;
        let address = listener.local_addr().map_err(S3StartError::Listen)?;
        let runtime = RuntimeBuilder::new_multi_thread()
            .worker_threads(2)
            .thread_name("local-s3")
            .enable_all()
            .build()
            .map_err(S3StartError::Listen)?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("local-s3".to_owned())
            .spawn(move || serve(runtime, listener, &service, stopped))
            .map_err(S3StartError::Listen)?;
        Ok(Self {
            address,
            credentials,
            users,
            storage,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Returns the endpoint's URL, `http://127.0.0.1:<port>`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the keys for signing requests, those of the first user.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Adds a user, who may do the same as the first one, and whose requests are counted apart.
    pub fn add_user(&self) -> Result<Credentials, S3StartError> {
        self.users.add().map_err(S3StartError::Keys)
    }

    /// Returns how many requests a user has made so far; none for keys of another server.
    pub fn requests(&self, user: &Credentials) -> RequestCount {
        self.users.requests(&user.access_key_id)
    }

    /// Returns why the last file could not be written, if the cause was a lack of space: the disk
    /// or a quota is full, or the file is longer than the system allows. Clients see an internal
    /// error.
    pub fn out_of_space(&self) -> Option<io::ErrorKind> {
        self.storage.out_of_space()
    }

    /// Creates a bucket; an existing one stays as it is.
    pub fn create_bucket(&self, name: &str) -> Result<(), S3StartError> {
        self.storage
            .create_bucket(name)
            .map_err(|error| S3StartError::Bucket {
                name: name.to_owned(),
                reason: error.to_string(),
            })
    }

    /// Makes a bucket keep every version of its objects for as long as the server runs. Without this,
    /// it keeps none, like a bucket of S3 without versioning.
    pub fn keep_versions(&self, bucket: &str) {
        self.storage.keep_versions(bucket);
    }

    /// Ends the server and waits for its threads. Dropping does the same.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for LocalS3 {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    runtime: Runtime,
    listener: TcpListener,
    service: &S3Service,
    stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async {
        tokio::select! {
            () = accept(listener, service) => {}
            _ = stopped => {}
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(2));
}

async fn accept(listener: TcpListener, service: &S3Service) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let mut connections = Connections::new(TokioExecutor::new());
    // Larger buffers mean fewer reads of bodies.
    connections.http1().max_buf_size(1 << 20);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Mostly, no file descriptors are left; some will be closed soon.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let connection = connections
            .serve_connection(TokioIo::new(stream), service.clone())
            .into_owned();
        tokio::spawn(async move {
            // An error means that the client went away, which is its own decision.
            let _ = connection.await;
        });
    }
}
