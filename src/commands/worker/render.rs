//! `worker render`: the manifests that `add` applies, without the Secret.

use std::io::{self, Write};

use anyhow::Result;
use serde_json::{Value, json};

use super::options;
use crate::cli::worker::WorkerAdd;
use crate::deploy::present::Present;
use crate::deploy::{render, yaml};
use crate::exit::Code;

pub fn run(args: &WorkerAdd) -> Result<Code> {
    options::context(args.context.as_deref())?;
    let namespace = options::namespace(args.namespace.as_deref())?.map_or_else(options::default_namespace, Ok)?;
    let shape = options::shape(args, namespace)?;
    let mut objects = Vec::new();
    for (worker, _) in options::workers(args)? {
        objects.extend(render::objects(&worker, &shape, &Present::default())?);
    }
    let text = if args.json { json(&objects) } else { yaml::documents(&objects) };
    io::stdout().write_all(text.as_bytes())?;
    Ok(Code::Done)
}

fn json(objects: &[Value]) -> String {
    format!("{}\n", json!({ "apiVersion": "v1", "kind": "List", "items": objects }))
}
