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
    let descriptors = protox::Compiler::new(["."])?
        .include_imports(true)
        .include_source_info(false)
        .open_files(&files)?
        .encode_file_descriptor_set();
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    // With the options of extensions, which Rust types do not keep.
    std::fs::write(out.join("descriptors.bin"), &descriptors)?;
    prost_build::Config::new()
        .bytes(["."])
        .enable_type_names()
        .extern_path(".tendermint", "::tendermint_proto::v0_38")
        .include_file("all.rs")
        .compile_fds(prost_types::FileDescriptorSet::decode(&descriptors[..])?)?;
    Ok(())
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
