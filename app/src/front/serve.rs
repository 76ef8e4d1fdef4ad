//! How the fronts take connections: so many at once, and none that says nothing or does not read what it asked for.

use super::answers::{Answers, Room, is_grpc, refused};
use super::escape::Escaped;
use super::shares::{Share, Shares};
use crate::node::config::Fronts;
use crate::node::run::Stop;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tonic::Status;
use tower::ServiceExt as _;

/// Requests at once on one connection of HTTP/2.
const STREAMS: u32 = 64;
/// Of all descriptors, what connections of one front may take: the database needs many of the rest.
const SHARE: u64 = 8;

/// The place of a connection among those of its front. Requests carry it: what outlives them keeps it.
#[derive(Clone, Debug)]
pub struct Place {
    _taken: Arc<(OwnedSemaphorePermit, Share)>,
    answers: Answers,
    /// Rings when an answer was not read in time.
    overdue: Arc<Notify>,
}

impl Place {
    /// Room for an answer that is sent by other means than as one of HTTP.
    ///
    /// # Errors
    /// Too much waits to be read: why there is no room.
    pub fn room(&self, bytes: usize) -> Result<Room, String> {
        self.answers.room(bytes).ok_or_else(|| self.answers.refusal())
    }

    /// How long an answer may take to be read.
    pub fn patience(&self, bytes: usize) -> Duration {
        self.answers.patience(bytes)
    }
}

/// Asks the system for all descriptors that this process may have; how many these are.
pub fn raise_descriptors() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(e) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::warn!(error = %e, "the limit of open files stays as it is");
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Connections that one front takes at once.
fn places(fronts: &Fronts) -> usize {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    fronts.connections.min(usize::try_from(descriptors / SHARE).unwrap_or(usize::MAX)).clamp(1, Semaphore::MAX_PERMITS)
}

/// Answers with `router` until it is time to stop.
pub async fn serve(listener: TcpListener, router: Router, fronts: &Fronts, stop: &Stop) {
    let timeout = fronts.timeout();
    let router = router.layer(from_fn(move |request, next| answered(request, next, timeout)));
    let (places, connections) = (Arc::new(Semaphore::new(places(fronts))), GracefulShutdown::new());
    let answers = Answers::new(fronts.answers_mib, fronts.idle());
    let shares = Shares::new(fronts.per_address, answers.share());
    let accept = async {
        // Whoever comes when all places are taken waits in the system's queue.
        while let Ok(permit) = places.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((stream, from)) => {
                    let Some((share, room)) = shares.take(from.ip()) else {
                        tracing::debug!(%from, "an address with more connections than its share");
                        continue;
                    };
                    let (taken, answers) = (Arc::new((permit, share)), answers.of(room));
                    let place = Place { _taken: taken, answers, overdue: Arc::default() };
                    let connection = Connection { router: router.clone(), place, idle: fronts.idle() };
                    tokio::spawn(connection.answer(stream, connections.watcher()));
                }
                Err(e) => {
                    tracing::warn!(error = %e, "a connection cannot be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        () = stop.told() => {}
    }
    // Connections that stay open are not waited for.
    let _ = tokio::time::timeout(Duration::from_secs(1), connections.shutdown()).await;
}

/// Answers a request in its time, if there is room for the answer.
async fn answered(request: Request, next: Next, timeout: Duration) -> Response {
    let (grpc, place) = (is_grpc(request.headers()), request.extensions().get::<Place>().cloned());
    let Ok(answer) = tokio::time::timeout(timeout, next.run(request)).await else {
        let why = format!("no answer in {} s", timeout.as_secs());
        return refused(grpc, StatusCode::REQUEST_TIMEOUT, Status::deadline_exceeded(why));
    };
    match place {
        Some(place) => place.answers.send(grpc, &place.overdue, answer),
        None => answer,
    }
}

struct Connection {
    router: Router,
    place: Place,
    idle: Duration,
}

impl Connection {
    async fn answer(self, stream: TcpStream, watcher: Watcher) {
        if let Err(e) = stream.set_nodelay(true) {
            tracing::debug!(error = %e, "no TCP_NODELAY");
        }
        let Self { router, place, idle } = self;
        let overdue = place.overdue.clone();
        let router = router.map_request(move |request: Request<_>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(place.clone());
            request
        });
        let mut stream = TimeoutStream::new(stream);
        stream.set_read_timeout(Some(idle));
        stream.set_write_timeout(Some(idle));
        let mut builder = Builder::new(TokioExecutor::new());
        // Whoever reads a long answer says nothing meanwhile: then nothing is read.
        builder.http1().timer(TokioTimer::new()).header_read_timeout(idle).half_close(true);
        // A client that lives answers a ping, so that its connection is not idle.
        builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS);
        builder.http2().keep_alive_interval(idle / 2).keep_alive_timeout(idle / 2);
        let stream = TokioIo::new(Escaped::new(Box::pin(stream)));
        let connection = builder.serve_connection_with_upgrades(stream, TowerToHyperService::new(router));
        tokio::select! {
            ended = watcher.watch(connection.into_owned()) => {
                if let Err(e) = ended {
                    tracing::debug!(error = %e, "a connection ends");
                }
            }
            () = overdue.notified() => tracing::debug!("an answer is not read: its connection is closed"),
        }
    }
}
