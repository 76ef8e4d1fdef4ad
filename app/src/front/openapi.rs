//! The REST routes as an OpenAPI 3 document.

use super::{Part, Route, Verb};
use prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use zektra_proto::about::about;
use zektra_proto::json::is_decimal;

/// The document of these routes. Of two of one shape it shows the one that answers: the first.
pub fn document(routes: &[Route]) -> Value {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    let mut shapes = BTreeSet::new();
    for route in routes {
        if !shapes.insert((route.verb, shape(route))) {
            continue;
        }
        let path = route.path.replace("=**}", "}");
        let verb = if route.verb == Verb::Get { "get" } else { "post" };
        let in_path: Vec<&str> = route
            .parts
            .iter()
            .filter_map(|p| match p {
                Part::Word(_) => None,
                Part::Field(name) | Part::Rest(name) => Some(&name[..]),
            })
            .collect();
        let mut parameters: Vec<Value> = vec![];
        for name in &in_path {
            parameters.push(json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
        }
        if !route.body {
            query_parameters(&route.input(), "", &in_path, &mut parameters);
        }
        parameters.push(json!({
            "name": super::HEIGHT_HEADER, "in": "header", "schema": {"type": "integer"},
            "description": "A past height; 0 or none for the last.",
        }));
        let mut operation = json!({
            "operationId": route.target().trim_start_matches('/').replace('/', "."),
            "summary": about(&route.method),
            "tags": [route.method.parent_service().full_name()],
            "parameters": parameters,
            "responses": {
                "200": answer("The answer.", reference(&route.method.output(), &mut schemas)),
                "default": answer("Why there is none.", json!({"$ref": "#/components/schemas/Error"})),
            },
        });
        if route.body {
            let content = json!({"application/json": {"schema": reference(&route.input(), &mut schemas)}});
            operation["requestBody"] = json!({"required": true, "content": content});
        }
        paths.entry(path).or_insert_with(|| json!({}))[verb] = operation;
    }
    schemas.insert(
        "Error".into(),
        json!({"type": "object", "properties": {
            "code": {"type": "integer", "description": "A code of gRPC."},
            "message": {"type": "string"},
            "details": {"type": "array", "items": {}},
        }}),
    );
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Zektra", "version": env!("CARGO_PKG_VERSION"), "description": "State and transactions of a Zektra chain."},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

/// A path without the names of its fields.
fn shape(route: &Route) -> Vec<Option<&str>> {
    let words = route.parts.iter().map(|part| match part {
        Part::Word(word) => Some(&word[..]),
        Part::Field(_) | Part::Rest(_) => None,
    });
    words.collect()
}

fn answer(description: &str, schema: Value) -> Value {
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
}

fn query_parameters(message: &MessageDescriptor, prefix: &str, without: &[&str], out: &mut Vec<Value>) {
    for field in message.fields() {
        let name = format!("{prefix}{}", field.name());
        if without.contains(&&name[..]) {
            continue;
        }
        match field.kind() {
            Kind::Message(inner) if prefix.is_empty() && !field.is_list() => {
                query_parameters(&inner, &format!("{name}."), without, out);
            }
            Kind::Message(_) => {}
            _ => out.push(json!({"name": name, "in": "query", "schema": schema(&field, &mut Map::new())})),
        }
    }
}

fn reference(message: &MessageDescriptor, schemas: &mut Map<String, Value>) -> Value {
    let name = message.full_name();
    match name {
        "google.protobuf.Timestamp" => return json!({"type": "string", "format": "date-time"}),
        "google.protobuf.Duration" => return json!({"type": "string", "example": "1814400s"}),
        "google.protobuf.Any" => {
            return json!({"type": "object", "properties": {"@type": {"type": "string"}}, "additionalProperties": true});
        }
        _ => {}
    }
    if !schemas.contains_key(name) {
        // Before its fields: messages hold themselves.
        schemas.insert(name.into(), Value::Null);
        let fields: Map<_, _> = message.fields().map(|f| (f.name().to_string(), schema(&f, schemas))).collect();
        schemas.insert(name.into(), json!({"type": "object", "properties": fields}));
    }
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn schema(field: &FieldDescriptor, schemas: &mut Map<String, Value>) -> Value {
    let one = match field.kind() {
        Kind::String | Kind::Bytes if is_decimal(field) => {
            json!({"type": "string", "format": "decimal", "example": "0.050000000000000000"})
        }
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Double | Kind::Float => json!({"type": "number"}),
        Kind::Int32 | Kind::Uint32 | Kind::Sint32 | Kind::Fixed32 | Kind::Sfixed32 => json!({"type": "integer"}),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => json!({"type": "string", "format": "int64"}),
        Kind::Uint64 | Kind::Fixed64 => json!({"type": "string", "format": "uint64"}),
        Kind::String => json!({"type": "string"}),
        Kind::Bytes => json!({"type": "string", "format": "byte"}),
        Kind::Enum(values) => {
            json!({"type": "string", "enum": values.values().map(|v| v.name().to_string()).collect::<Vec<_>>()})
        }
        Kind::Message(message) => reference(&message, schemas),
    };
    if field.cardinality() == Cardinality::Repeated { json!({"type": "array", "items": one}) } else { one }
}
