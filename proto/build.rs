//! Compiles the protobuf files in Rust: no system `protoc` is needed.

use prost::Message as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut files = vec![];
    for folder in ["amino", "cosmos", "cosmos_proto", "google", "tendermint", "zektra"] {
        println!("cargo:rerun-if-changed={folder}");
        protos(Path::new(folder), &mut files)?;
    }
    files.sort();
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(false).open_files(&files)?;
    let descriptors = compiler.encode_file_descriptor_set();
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let commented = compiler.include_source_info(true).file_descriptor_set();
    std::fs::write(out.join("comments.rs"), format!("&{:?}", comments(&commented)))?;
    // With the options of extensions, which Rust types do not keep.
    std::fs::write(out.join("descriptors.bin"), &descriptors)?;
    let mut types = prost_types::FileDescriptorSet::decode(&descriptors[..])?;
    rename(&mut types);
    prost_build::Config::new()
        .bytes(["."])
        .enable_type_names()
        .extern_path(".tendermint", "::tendermint_proto::v0_38")
        .include_file("all.rs")
        .compile_fds(types)?;
    Ok(())
}

/// Gives a oneof another name in Rust, where its enum would be called as the message in it.
fn rename(files: &mut prost_types::FileDescriptorSet) {
    for message in files.file.iter_mut().flat_map(|file| &mut file.message_type) {
        if message.name() == "StakeAuthorization" {
            message.oneof_decl.iter_mut().for_each(|oneof| oneof.name = Some("policy".into()));
        }
    }
}

/// The comments of all methods, by the methods' full names in order.
fn comments(files: &prost_types::FileDescriptorSet) -> Vec<(String, String)> {
    let mut out = vec![];
    for file in &files.file {
        let locations = file.source_code_info.iter().flat_map(|info| &info.location);
        for location in locations {
            // Field 6 of a file are its services, field 2 of a service its methods.
            let &[6, service, 2, method] = &location.path[..] else { continue };
            let service = file.service.get(service as usize);
            let method = service.and_then(|s| s.method.get(method as usize));
            if let (Some(service), Some(method), Some(text)) = (service, method, &location.leading_comments) {
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                out.push((format!("{}.{}.{}", file.package(), service.name(), method.name()), text));
            }
        }
    }
    out.sort();
    out
}

fn protos(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            protos(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
