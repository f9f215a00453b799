//! The product's own source files, put together so that fuzz targets reach the parsers. The product itself stays one
//! program without a library. Paths to its files are given here; `crate::…` in them means this crate.

// Each target uses its own part of the product.
#![allow(dead_code)]

pub mod replay;

#[path = "../../src/backoff.rs"]
mod backoff;
#[path = "../../src/cluster/mod.rs"]
pub mod cluster;
#[path = "../../src/exit.rs"]
mod exit;
#[path = "../../src/failure.rs"]
pub mod failure;
#[path = "../../src/process.rs"]
pub mod process;
#[path = "../../src/remote/mod.rs"]
pub mod remote;
#[path = "../../src/state/mod.rs"]
mod state;

/// Without the parts that draw.
#[path = "../../src/terminal"]
pub mod terminal {
    pub mod neutralise;
    pub mod shell;

    pub fn note(_: &str) {}

    pub fn is_taken() -> bool {
        false
    }

    pub fn undisturbed<T>(work: impl FnOnce() -> T) -> T {
        work()
    }
}

#[path = "../../src/registry"]
pub mod registry {
    pub mod document;
    mod file;
    pub mod identity;
    pub mod invalid;
    pub mod names;
    pub mod origin;
    pub mod preset;
    pub mod source;
    pub mod template;
    mod unknown_key;
    pub mod worker;
}

#[path = "../../src/local"]
pub mod local {
    pub mod escape;
}
