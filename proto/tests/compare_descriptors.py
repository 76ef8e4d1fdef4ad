"""Compares a FileDescriptorSet with the descriptors of the cosmpy wheel: every message, field, enum, method, route and
option of amino, of signers, of addresses and numbers that the set has must be there, and be the same."""

import importlib
import os
import sys

import cosmpy
from google.protobuf import descriptor_pb2, descriptor_pool

# The generated modules import each other from the folder of the protobuf files.
sys.path.insert(0, os.path.join(os.path.dirname(cosmpy.__file__), "protos"))

OURS = ("zektra/", "google/protobuf/")
# Of a chain that mints in its own way: cosmpy's.
OTHERS = ("cosmos/mint/v1beta1/mint.proto",)
OPTIONS = ("amino.", "cosmos.msg.v1.", "cosmos_proto.")
wrong = []
compared = 0


def same(what, found, expected):
    global compared
    compared += 1
    if found != expected:
        wrong.append(f"{what}: {found!r}, expected {expected!r}")


def options(where, ours, other):
    held = lambda x: {
        d.full_name: list(v) if d.label == d.LABEL_REPEATED else v
        for d, v in x.options.ListFields()
        if d.is_extension and d.full_name.startswith(OPTIONS) and not d.full_name.endswith("_added_in")
    }
    same(f"{where} options", held(ours), held(other))


def fields(where, message, other):
    known = {f.name: f for f in other.field}
    for f in message.field:
        if f.name not in known:
            wrong.append(f"{where}.{f.name}: not in cosmpy")
            continue
        g = known[f.name]
        for attribute in ("number", "type", "label", "type_name", "proto3_optional"):
            same(f"{where}.{f.name}.{attribute}", getattr(f, attribute), getattr(g, attribute))
        # Left out where it is what the field's name gives.
        if g.json_name:
            same(f"{where}.{f.name}.json_name", f.json_name, g.json_name)
        options(f"{where}.{f.name}", f, g)
        oneof = lambda m, x: m.oneof_decl[x.oneof_index].name if x.HasField("oneof_index") else None
        same(f"{where}.{f.name}.oneof", oneof(message, f), oneof(other, g))
    for name in known.keys() - {f.name for f in message.field}:
        wrong.append(f"{where}.{name}: only in cosmpy")


def enums(where, list_, others):
    known = {e.name: e for e in others}
    for e in list_:
        values = lambda x: sorted((v.name, v.number) for v in x.value)
        same(f"{where}.{e.name}", values(e), values(known[e.name]) if e.name in known else None)


def messages(where, list_, others):
    known = {m.name: m for m in others}
    for m in list_:
        if m.name not in known:
            wrong.append(f"{where}.{m.name}: not in cosmpy")
            continue
        name = f"{where}.{m.name}"
        options(name, m, known[m.name])
        fields(name, m, known[m.name])
        enums(name, m.enum_type, known[m.name].enum_type)
        messages(name, m.nested_type, known[m.name].nested_type)


def services(where, list_, others):
    from google.api import annotations_pb2

    known = {s.name: s for s in others}
    for s in list_:
        if s.name in known:
            options(f"{where}.{s.name}", s, known[s.name])
        methods = {m.name: m for m in known[s.name].method} if s.name in known else {}
        for m in s.method:
            name = f"{where}.{s.name}.{m.name}"
            if m.name not in methods:
                wrong.append(f"{name}: not in cosmpy")
                continue
            other = methods[m.name]
            for attribute in ("input_type", "output_type", "client_streaming", "server_streaming"):
                same(f"{name}.{attribute}", getattr(m, attribute), getattr(other, attribute))
            route = lambda x: x.options.Extensions[annotations_pb2.http].SerializeToString(deterministic=True)
            same(f"{name} route", route(m), route(other))


def main():
    for extensions in ("google.api.annotations", "amino.amino", "cosmos.msg.v1.msg", "cosmos_proto.cosmos"):
        importlib.import_module(f"{extensions}_pb2")
    ours = descriptor_pb2.FileDescriptorSet()
    with open(sys.argv[1], "rb") as file:
        ours.ParseFromString(file.read())
    pool = descriptor_pool.Default()
    for file in ours.file:
        if file.name.startswith(OURS + OTHERS):
            continue
        importlib.import_module(file.name.removesuffix(".proto").replace("/", ".") + "_pb2")
        other = descriptor_pb2.FileDescriptorProto()
        pool.FindFileByName(file.name).CopyToProto(other)
        same(f"{file.name} package", file.package, other.package)
        messages(file.package, file.message_type, other.message_type)
        enums(file.package, file.enum_type, other.enum_type)
        services(file.package, file.service, other.service)
    for line in wrong:
        print(line)
    if wrong or compared < 1000:
        sys.exit(f"{len(wrong)} of {compared} facts differ")
    print(f"{compared} facts, all the same")


main()
