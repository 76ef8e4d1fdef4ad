//! What happened, for those who want to hear of it: bytes that nobody has heard yet are bounded for all together.

use crate::index::{Named, Query};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::Notify;

/// Bytes of what happened and was not heard yet, of all listeners together.
const MOST: usize = 64 << 20;
/// Bytes of a name or a value besides its text.
const TEXT: usize = 64;

/// Something that happened.
#[derive(Debug)]
pub struct Happened {
    /// Its data as JSON, with CometBFT's type.
    pub data: String,
    /// Its events by `type.key`.
    pub events: Named,
}

/// Something that happened while inboxes hold it: whoever has heard it counts it himself.
#[derive(Debug)]
struct Unread {
    happened: Arc<Happened>,
    bytes: usize,
    waiting: Arc<AtomicUsize>,
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Whoever is too slow: what it would hear next is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSlow;

/// Tells listeners what happens.
#[derive(Debug)]
pub struct News {
    most: usize,
    /// Bytes that inboxes hold.
    waiting: Arc<AtomicUsize>,
    listeners: Mutex<Vec<Weak<Inbox>>>,
}

#[derive(Debug, Default)]
struct Inbox {
    held: Mutex<Unheard>,
    rings: Notify,
}

#[derive(Debug, Default)]
struct Unheard {
    wanted: Vec<Query>,
    news: VecDeque<Arc<Unread>>,
    bytes: usize,
    too_slow: bool,
}

/// Hears what it wants, from when it says so.
#[derive(Debug)]
pub struct Listener(Arc<Inbox>);

impl Default for News {
    fn default() -> Self {
        Self::new(MOST)
    }
}

impl News {
    /// With so many bytes that nobody has heard yet, at most.
    pub fn new(most: usize) -> Self {
        Self { most, waiting: Arc::default(), listeners: Mutex::default() }
    }

    fn listeners(&self) -> Vec<Arc<Inbox>> {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|l| l.strong_count() > 0);
        listeners.iter().filter_map(Weak::upgrade).collect()
    }

    /// Another listener.
    pub fn listen(&self) -> Listener {
        let inbox = Arc::<Inbox>::default();
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&inbox));
        Listener(inbox)
    }

    /// How many listeners there are.
    pub fn count(&self) -> usize {
        self.listeners().len()
    }

    /// Tells those who want to hear of it. Where that is more than may wait, those with most of it hear no more.
    pub fn tell(&self, data: &Value, events: Named) {
        let listeners = self.listeners();
        let wanting: Vec<_> =
            listeners.iter().filter(|l| l.held().wanted.iter().any(|query| query.fits(&events))).collect();
        if wanting.is_empty() {
            return;
        }
        let data = data.to_string();
        let texts = events.iter().flat_map(|(name, values)| values.iter().chain([name]));
        let bytes = texts.fold(data.len(), |sum, text| sum.saturating_add(text.len()).saturating_add(TEXT));
        while self.waiting.load(Ordering::Relaxed).saturating_add(bytes) > self.most {
            let slowest = listeners.iter().max_by_key(|l| l.held().bytes);
            let Some(slowest) = slowest.filter(|l| l.held().bytes > 0) else { break };
            slowest.give_up();
        }
        self.waiting.fetch_add(bytes, Ordering::Relaxed);
        let happened = Arc::new(Happened { data, events });
        let unread = Arc::new(Unread { happened, bytes, waiting: self.waiting.clone() });
        for listener in wanting {
            listener.take(unread.clone());
        }
    }
}

impl Inbox {
    fn held(&self) -> MutexGuard<'_, Unheard> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, unread: Arc<Unread>) {
        let mut held = self.held();
        if !held.too_slow {
            held.bytes = held.bytes.saturating_add(unread.bytes);
            held.news.push_back(unread);
            self.rings.notify_one();
        }
    }

    fn give_up(&self) {
        let mut held = self.held();
        *held = Unheard { too_slow: true, ..Unheard::default() };
        self.rings.notify_one();
    }
}

impl Listener {
    /// Hears what fits one of these from now on.
    pub fn want(&self, queries: Vec<Query>) {
        self.0.held().wanted = queries;
    }

    /// What happened next.
    ///
    /// # Errors
    /// It was too slow, and has missed some.
    pub async fn next(&mut self) -> Result<Arc<Happened>, TooSlow> {
        loop {
            {
                let mut held = self.0.held();
                if held.too_slow {
                    return Err(TooSlow);
                }
                if let Some(next) = held.news.pop_front() {
                    held.bytes = held.bytes.saturating_sub(next.bytes);
                    return Ok(next.happened.clone());
                }
            }
            self.0.rings.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn listener(news: &News, query: &str) -> Listener {
        let listener = news.listen();
        listener.want(query.parse().into_iter().collect());
        listener
    }

    fn event(kind: &str) -> Named {
        Named::from([("tm.event".into(), vec![kind.into()])])
    }

    #[tokio::test]
    async fn whoever_does_not_listen_misses_it_and_is_told() {
        let news = News::new(10_000);
        let (mut quick, mut slow) = (listener(&news, "tm.event='Tx'"), listener(&news, "tm.event='Tx'"));
        let (mut blocks, mut late) = (listener(&news, "tm.event='NewBlock'"), None);
        news.tell(&json!("block"), event("NewBlock"));
        for k in 0..20 {
            news.tell(&json!({"k": k, "text": "x".repeat(1000)}), event("Tx"));
            let heard = quick.next().await.map(|h| h.data.clone());
            assert!(heard.is_ok_and(|data| data.contains(&format!("\"k\":{k},"))));
            if k == 15 {
                late = Some(listener(&news, "tm.event='Tx'"));
            }
        }
        assert_eq!(slow.next().await.map(drop), Err(TooSlow));
        // Whoever wanted other things, or came later, is not cut off.
        assert!(blocks.next().await.is_ok_and(|h| h.data == "\"block\""));
        let mut late = late.unwrap_or_else(|| news.listen());
        for _ in 16..20 {
            assert!(late.next().await.is_ok());
        }
        // What somebody has heard and keeps costs the others nothing.
        let mut keeps = listener(&news, "tm.event='Tx'");
        news.tell(&json!("z".repeat(9_000)), event("Tx"));
        let kept = keeps.next().await;
        assert!(kept.is_ok() && quick.next().await.is_ok() && late.next().await.is_ok());
        for _ in 0..2 {
            news.tell(&json!("z".repeat(4_000)), event("Tx"));
        }
        for _ in 0..2 {
            assert!(quick.next().await.is_ok() && late.next().await.is_ok() && keeps.next().await.is_ok());
        }
        drop((kept, keeps));
        // One alone has room for anything.
        news.tell(&json!("y".repeat(20_000)), event("Tx"));
        assert!(quick.next().await.is_ok() && late.next().await.is_ok());
        assert_eq!(news.waiting.load(Ordering::Relaxed), 0);
        drop((quick, slow, late));
        assert_eq!(news.count(), 1);
    }
}
