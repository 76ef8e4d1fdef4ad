//! Compiles the protobuf files in Rust: no system `protoc` is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["zektra/vault/v1/vault.proto", "zektra/training/v1/training.proto", "zektra/node/v1/node.proto"];
    println!("cargo:rerun-if-changed=zektra");
    let descriptors = protox::compile(files, ["."])?;
    prost_build::Config::new().bytes(["."]).compile_fds(descriptors)?;
    Ok(())
}
