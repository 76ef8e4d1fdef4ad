//! Services: named methods on a state that is read.

use crate::address::{Address, Prefix};
use crate::context::Block;
use crate::error::TxError;
use prost::Message;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use zektra_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use zektra_state::{Order, StateError, StateRead, after_prefix};

/// Entries of a page if no limit is given.
pub const DEFAULT_LIMIT: u64 = 100;
/// Most entries of a page.
pub const MAX_LIMIT: u64 = 1000;

/// Why a query has no answer: a gRPC status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// gRPC's code.
    pub code: Code,
    /// What people read.
    pub message: String,
}

/// Codes of gRPC, as far as they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Code {
    Unknown = 2,
    InvalidArgument = 3,
    NotFound = 5,
    FailedPrecondition = 9,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
}

impl Code {
    /// An error of this code.
    pub fn error(self, message: impl fmt::Display) -> QueryError {
        QueryError { code: self, message: message.to_string() }
    }
}

impl From<StateError> for QueryError {
    fn from(e: StateError) -> Self {
        match e {
            StateError::Version { version, oldest, last } => Code::InvalidArgument
                .error(format!("height {version} is not kept: the oldest is {oldest}, the last {last}")),
            _ => Code::Internal.error(e),
        }
    }
}

impl From<TxError> for QueryError {
    fn from(e: TxError) -> Self {
        if e.is_internal() { Code::Internal.error(e) } else { Code::InvalidArgument.error(e) }
    }
}

/// What a query reads.
pub struct Query<'a> {
    /// The state of one version.
    pub state: &'a dyn StateRead,
    /// The block of that version.
    pub block: &'a Block,
    /// The chain's address prefix.
    pub prefix: &'a Prefix,
}

impl Query<'_> {
    /// Reads an address of a request.
    ///
    /// # Errors
    /// Text that is no address of this chain.
    pub fn address(&self, text: &str) -> Result<Address, QueryError> {
        if text.is_empty() {
            return Err(Code::InvalidArgument.error("address cannot be empty"));
        }
        self.prefix.parse(text).map_err(|e| Code::InvalidArgument.error(e))
    }
}

type Method = Arc<dyn Fn(&Query<'_>, &[u8]) -> Result<Vec<u8>, QueryError> + Send + Sync>;

/// A service's unary methods.
#[derive(Clone)]
pub struct Service {
    name: &'static str,
    methods: BTreeMap<&'static str, Method>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.name, self.methods.keys())
    }
}

impl Service {
    /// A service by its full name: `cosmos.bank.v1beta1.Query`.
    pub fn new(name: &'static str) -> Self {
        Self { name, methods: BTreeMap::new() }
    }

    /// Adds a method.
    #[must_use]
    pub fn unary<Q, R, F>(mut self, method: &'static str, answer: F) -> Self
    where
        Q: Message + Default,
        R: Message,
        F: Fn(&Query<'_>, Q) -> Result<R, QueryError> + Send + Sync + 'static,
    {
        let bytes = move |query: &Query<'_>, request: &[u8]| {
            let request = Q::decode(request).map_err(|e| Code::InvalidArgument.error(format!("the request: {e}")))?;
            Ok(answer(query, request)?.encode_to_vec())
        };
        self.methods.insert(method, Arc::new(bytes));
        self
    }

    /// Its full name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Names of its methods.
    pub fn methods(&self) -> impl Iterator<Item = &'static str> {
        self.methods.keys().copied()
    }

    /// Answers a method; `None` if there is none of this name.
    pub fn call(&self, method: &str, query: &Query<'_>, request: &[u8]) -> Option<Result<Vec<u8>, QueryError>> {
        self.methods.get(method).map(|answer| answer(query, request))
    }
}

/// A page of the entries whose keys begin with `prefix`, by key or by offset; `each` gets the rest of a key and its
/// value, and gives `None` for entries that do not count.
///
/// # Errors
/// Key and offset at once; the database fails; what `each` says.
pub fn page<T>(
    state: &dyn StateRead,
    prefix: &[u8],
    request: Option<&PageRequest>,
    mut each: impl FnMut(&[u8], Vec<u8>) -> Result<Option<T>, QueryError>,
) -> Result<(Vec<T>, PageResponse), QueryError> {
    let request = request.cloned().unwrap_or_default();
    if request.offset > 0 && !request.key.is_empty() {
        return Err(Code::InvalidArgument.error("invalid request, either offset or key is expected, got both"));
    }
    let (limit, count_total) = match request.limit {
        0 => (DEFAULT_LIMIT, true),
        limit => (limit.min(MAX_LIMIT), request.count_total),
    };
    let end = after_prefix(prefix);
    let at = [prefix, &request.key].concat();
    let after = [&at[..], &[0]].concat();
    let (from, to, order) = match (request.reverse, request.key.is_empty()) {
        (false, _) => (&at[..], end.as_deref(), Order::Ascending),
        (true, true) => (prefix, end.as_deref(), Order::Descending),
        (true, false) => (prefix, Some(&after[..]), Order::Descending),
    };
    let (mut out, mut next_key, mut seen) = (vec![], vec![], 0u64);
    // By key no total is counted: what lies before is unknown.
    let count = count_total && request.key.is_empty();
    for entry in state.scan(from, to, order) {
        let (key, value) = entry?;
        let rest = &key[prefix.len()..];
        let Some(found) = each(rest, value)? else { continue };
        seen += 1;
        if seen <= request.offset {
            continue;
        }
        if (out.len() as u64) < limit {
            out.push(found);
        } else {
            if next_key.is_empty() {
                next_key = rest.to_vec();
            }
            if !count {
                break;
            }
        }
    }
    let total = if count { seen } else { 0 };
    Ok((out, PageResponse { next_key: next_key.into(), total }))
}
