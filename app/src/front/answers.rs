//! Answers on their way to those who asked: so many bytes of them at once, and each only for a time.

use axum::body::{Body, HttpBody};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use http_body::{Frame, SizeHint};
use prost::bytes::Bytes;
use serde_json::json;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tonic::Status;
use zektra_modules::query::Code;

/// Shorter answers do not count: the bounds of connections and of their requests bound them, too.
const SMALL: usize = 4 << 10;
/// Bytes a second that whoever asks for more must read at least.
const LEAST_RATE: u64 = 64 << 10;
const KIB: usize = 1 << 10;
/// Of all room, what answers to one address may take: one in so many.
const OWN: u32 = 4;

/// Room for the answers of a front that nobody has read yet.
#[derive(Clone, Debug)]
pub struct Answers {
    most: u32,
    left: Arc<Semaphore>,
    /// What is left of the address's own share.
    own: Option<Arc<Semaphore>>,
    /// How long an answer may wait, besides the time that its bytes take.
    idle: Duration,
}

/// Room of one answer, until it is dropped.
#[derive(Debug)]
pub struct Room {
    _permits: Option<(OwnedSemaphorePermit, Option<OwnedSemaphorePermit>)>,
    /// Ends the watch over it.
    _gone: Option<oneshot::Sender<()>>,
}

impl Answers {
    /// Room for so many mebibytes.
    pub fn new(mib: usize, idle: Duration) -> Self {
        let most = u32::try_from(mib.saturating_mul(KIB).min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        Self { most, left: Arc::new(Semaphore::new(most as usize)), own: None, idle }
    }

    /// KiB that each address has of it.
    pub fn share(&self) -> usize {
        (self.most / OWN).max(1) as usize
    }

    /// The same room, for an address with what is left of its share.
    pub fn of(&self, own: Option<Arc<Semaphore>>) -> Self {
        Self { own, ..self.clone() }
    }

    /// How long an answer may take to be read.
    pub fn patience(&self, bytes: usize) -> Duration {
        self.idle.saturating_add(Duration::from_secs(bytes as u64 / LEAST_RATE))
    }

    /// Takes room for an answer; none if too much of it waits already. One answer of any size has room.
    pub fn room(&self, bytes: usize) -> Option<Room> {
        if bytes <= SMALL {
            return Some(Room { _permits: None, _gone: None });
        }
        let kib = u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX);
        let take = |of: &Arc<Semaphore>, most: u32| of.clone().try_acquire_many_owned(kib.min(most)).ok();
        let own = match &self.own {
            Some(own) => Some(take(own, (self.most / OWN).max(1))?),
            None => None,
        };
        Some(Room { _permits: Some((take(&self.left, self.most)?, own)), _gone: None })
    }

    /// As [`Answers::room`], and rings `overdue` if it is still taken when it should be read.
    fn watched(&self, bytes: usize, overdue: &Arc<Notify>) -> Option<Arc<Room>> {
        let mut room = self.room(bytes)?;
        if bytes > SMALL {
            let (gone, read) = oneshot::channel();
            let (overdue, patience) = (overdue.clone(), self.patience(bytes));
            tokio::spawn(async move {
                if tokio::time::timeout(patience, read).await.is_err() {
                    overdue.notify_one();
                }
            });
            room._gone = Some(gone);
        }
        Some(Arc::new(room))
    }

    /// Why an answer finds no room.
    pub fn refusal(&self) -> String {
        format!("{} MiB of answers wait to be read: ask again later, or for less", self.most as usize / KIB)
    }

    /// Lets an answer go if there is room for it, which it keeps until its last byte is on its way.
    pub fn send(&self, grpc: bool, overdue: &Arc<Notify>, answer: Response) -> Response {
        let room = match answer.body().size_hint().exact() {
            // Its end says what became of it.
            _ if grpc => None,
            None => None,
            Some(bytes) => match self.watched(usize::try_from(bytes).unwrap_or(usize::MAX), overdue) {
                Some(room) => Some(room),
                None => return refused(grpc, StatusCode::SERVICE_UNAVAILABLE, Status::unavailable(self.refusal())),
            },
        };
        let (answers, overdue) = (self.clone(), overdue.clone());
        answer.map(|body| Body::new(Counted { body, answers, overdue, room, ended: false }))
    }
}

/// Whether a request, or its answer, is gRPC's.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|of| of.as_bytes().starts_with(b"application/grpc"))
}

/// An answer that says why there is no other, as clients of gRPC or of the others read it.
pub fn refused(grpc: bool, http: StatusCode, status: Status) -> Response {
    if grpc {
        return status.into_http();
    }
    let code = Code::Unavailable as i32;
    (http, axum::Json(json!({"code": code, "message": status.message(), "details": []}))).into_response()
}

/// The bytes of an answer with their room.
struct Held {
    bytes: Bytes,
    _room: Arc<Room>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A body whose bytes hold their room wherever they are kept.
struct Counted {
    body: Body,
    answers: Answers,
    overdue: Arc<Notify>,
    /// Of the whole body, if its size is known.
    room: Option<Arc<Room>>,
    ended: bool,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            other => return Poll::Ready(other),
        };
        let bytes = match frame.into_data() {
            Ok(bytes) => bytes,
            Err(other) => return Poll::Ready(Some(Ok(other))),
        };
        let room = self.room.clone().or_else(|| self.answers.watched(bytes.len(), &self.overdue));
        let Some(room) = room else {
            self.ended = true;
            let mut trailers = HeaderMap::new();
            let added = Status::unavailable(self.answers.refusal()).add_header(&mut trailers);
            return Poll::Ready(Some(added.map(|()| Frame::trailers(trailers)).map_err(axum::Error::new)));
        };
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(Held { bytes, _room: room })))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(bytes: usize) -> Response {
        Response::new(Body::from(vec![7; bytes]))
    }

    #[tokio::test]
    async fn those_that_nobody_reads_leave_no_room() {
        let (answers, overdue) = (Answers::new(1, Duration::from_secs(60)), Arc::default());
        let first = answers.send(false, &overdue, answer(1 << 20));
        // Small ones always have room; another large one only when the first is gone.
        assert_eq!(answers.send(false, &overdue, answer(SMALL)).status(), StatusCode::OK);
        let refused = answers.send(false, &overdue, answer(SMALL + 1));
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        let text = axum::body::to_bytes(refused.into_body(), 1 << 10).await;
        let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
        assert!(text.contains("1 MiB of answers wait to be read: ask again later, or for less"), "{text}");
        // Its bytes have room as long as they are anywhere.
        assert_eq!(first.body().size_hint().exact(), Some(1 << 20));
        let bytes = axum::body::to_bytes(first.into_body(), 1 << 20).await;
        assert!(answers.room(SMALL + 1).is_none() && bytes.is_ok_and(|b| b.len() == 1 << 20));
        // Larger than all room.
        assert_eq!(answers.send(false, &overdue, answer(3 << 20)).status(), StatusCode::OK);
        assert!(answers.room(1 << 20).is_some());
    }

    #[tokio::test]
    async fn one_address_does_not_take_all_room() {
        let answers = Answers::new(1, Duration::from_secs(60));
        let address = || answers.of(Some(Arc::new(Semaphore::new(answers.share()))));
        let (one, other) = (address(), address());
        let held: Vec<_> = (0..4).map_while(|_| one.room(100 << 10)).collect();
        assert_eq!(held.len(), 2);
        assert!(other.room(100 << 10).is_some());
        drop(held);
        // Larger than its share.
        let all = one.room(1 << 20);
        assert!(all.is_some() && one.room(SMALL + 1).is_none());
    }

    #[tokio::test]
    async fn of_grpc_end_with_a_status() {
        use http_body::Body as _;
        let (answers, overdue) = (Answers::new(1, Duration::from_secs(60)), Arc::default());
        let _all = answers.room(1 << 20);
        let mut body = answers.send(true, &overdue, answer(1 << 20)).into_body();
        let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        let trailers = frame.and_then(Result::ok).and_then(|f| f.into_trailers().ok()).unwrap_or_default();
        assert_eq!(trailers.get("grpc-status").map(|s| s.as_bytes()), Some(&b"14"[..]));
    }

    #[tokio::test]
    async fn that_are_not_read_in_time_are_told() {
        assert_eq!(Answers::new(1, Duration::from_secs(10)).patience(1 << 20), Duration::from_secs(26));
        let (answers, overdue) = (Answers::new(1, Duration::from_millis(1)), Arc::<Notify>::default());
        let kept = answers.send(false, &overdue, answer(SMALL + 1));
        overdue.notified().await;
        drop(kept);
        assert!(answers.room(1 << 20).is_some());
    }
}
