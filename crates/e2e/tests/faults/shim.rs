//! The library that stands between a process and the C library; see `shim/shim.c`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the shim into this directory and answers its path.
pub(crate) fn build(directory: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("shim/shim.c");
    let library = directory.join("shim.so");
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .status()
        .expect("a C compiler is needed: install gcc and libc6-dev");
    assert!(status.success(), "the shim does not compile");
    library
}
