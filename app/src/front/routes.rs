//! Which REST route leads to which method: read from the services' `google.api.http` options.

use crate::app::App;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor, Value};
use zektra_proto::json::pool;

/// How a route is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Verb {
    Get,
    Post,
}

/// A part of a route's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A word that stands there.
    Word(String),
    /// A segment that is a field of the request.
    Field(String),
    /// All that follows is a field of the request: denominations hold slashes.
    Rest(String),
}

/// A route to a method.
#[derive(Clone, Debug)]
pub struct Route {
    /// GET or POST.
    pub verb: Verb,
    /// The path, as the option states it.
    pub path: String,
    /// Its parts.
    pub parts: Vec<Part>,
    /// Whether the request's body is the message.
    pub body: bool,
    /// The method.
    pub method: MethodDescriptor,
}

impl Route {
    /// The method's path: `/<service>/<method>`.
    pub fn target(&self) -> String {
        format!("/{}/{}", self.method.parent_service().full_name(), self.method.name())
    }

    /// The request's type.
    pub fn input(&self) -> MessageDescriptor {
        self.method.input()
    }

    /// The fields in a path that is this route's, in order; `None` for another path.
    pub fn fields(&self, segments: &[String]) -> Option<Vec<(&str, String)>> {
        let mut out = vec![];
        for (k, part) in self.parts.iter().enumerate() {
            match part {
                Part::Word(word) => {
                    if segments.get(k) != Some(word) {
                        return None;
                    }
                }
                Part::Field(name) => out.push((&name[..], segments.get(k).filter(|s| !s.is_empty())?.clone())),
                Part::Rest(name) => {
                    let rest = segments.get(k..).filter(|rest| rest.iter().any(|s| !s.is_empty()))?;
                    out.push((name, rest.join("/")));
                    return Some(out);
                }
            }
        }
        (segments.len() == self.parts.len()).then_some(out)
    }

    /// Routes with more words go before those that take anything.
    fn rank(&self) -> Vec<u8> {
        let rank = |part: &Part| match part {
            Part::Word(_) => 0,
            Part::Field(_) => 1,
            Part::Rest(_) => 2,
        };
        self.parts.iter().map(rank).collect()
    }
}

/// Names of the services that are served.
pub fn served(app: &App) -> Vec<&'static str> {
    let services = pool().services();
    services.filter_map(|s| app.service(s.full_name()).map(zektra_modules::query::Service::name)).collect()
}

/// All routes of the services that are served, in the order in which they are tried.
pub fn routes(app: &App) -> Vec<Route> {
    let mut out = vec![];
    for service in pool().services() {
        let Some(known) = app.service(service.full_name()) else { continue };
        let methods: Vec<_> = known.methods().collect();
        out.extend(service.methods().filter(|m| methods.contains(&m.name())).flat_map(|m| of_method(&m)));
    }
    // Of two that fit alike the later counts, as in the Go gateway.
    out.reverse();
    out.sort_by_key(Route::rank);
    out
}

fn of_method(method: &MethodDescriptor) -> Vec<Route> {
    let Some(extension) = pool().get_extension_by_name("google.api.http") else { return vec![] };
    let options = method.options();
    if !options.has_extension(&extension) {
        return vec![];
    }
    let option = options.get_extension(&extension);
    option.as_message().map(|rule| of_rule(method, rule)).unwrap_or_default()
}

fn of_rule(method: &MethodDescriptor, rule: &DynamicMessage) -> Vec<Route> {
    let text = |name: &str| rule.get_field_by_name(name).and_then(|v| v.as_str().map(String::from)).unwrap_or_default();
    let mut out = vec![];
    for (verb, name) in [(Verb::Get, "get"), (Verb::Post, "post")] {
        let path = text(name);
        if !path.is_empty() {
            let parts = path.trim_start_matches('/').split('/').map(part).collect();
            out.push(Route { verb, path, parts, body: !text("body").is_empty(), method: method.clone() });
        }
    }
    if let Some(more) = rule.get_field_by_name("additional_bindings") {
        let rules = more.as_list().unwrap_or_default().iter().filter_map(Value::as_message);
        out.extend(rules.flat_map(|rule| of_rule(method, rule)));
    }
    out
}

fn part(segment: &str) -> Part {
    match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
        None => Part::Word(segment.into()),
        Some(field) => match field.split_once('=') {
            Some((name, "**")) => Part::Rest(name.into()),
            Some((name, _)) => Part::Field(name.into()),
            None => Part::Field(field.into()),
        },
    }
}
