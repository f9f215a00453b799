//! What the file has to say when an entry has come or gone.

use std::borrow::Cow;

use crate::registry::document::tree::{Node, Value};
use crate::registry::names::WorkerName;

/// The key of the list.
const WORKERS: &str = "workers";

/// The same with an entry of these keys behind the other workers.
pub fn with<'t>(before: Option<Node<'t>>, entry: &[(&'static str, String)]) -> Node<'t> {
    let place = before.as_ref().map_or_else(Default::default, |node| node.place);
    let text = |text: String| Node { place, value: Value::Text(Cow::Owned(text)) };
    let keys = entry.iter().map(|(key, value)| (text((*key).to_owned()), text(value.clone()))).collect();
    let entry = Node { place, value: Value::Mapping(keys) };
    let mut root = before.unwrap_or(Node { place, value: Value::Nothing });
    if root.value == Value::Nothing {
        root.value = Value::Mapping(Vec::new());
    }
    if root.get(WORKERS).is_none()
        && let Value::Mapping(pairs) = &mut root.value
    {
        pairs.push((text(WORKERS.to_owned()), Node { place, value: Value::Nothing }));
    }
    if let Some(list) = root.get_mut(WORKERS) {
        match &mut list.value {
            Value::List(items) => items.push(entry),
            other => *other = Value::List(vec![entry]),
        }
    }
    root
}

/// The place of the first worker of this name in the list, and the same without it; `None` when there is none.
pub fn without<'t>(before: Option<Node<'t>>, name: &WorkerName) -> Option<(usize, Node<'t>)> {
    let mut root = before?;
    let Value::List(items) = &mut root.get_mut(WORKERS)?.value else { return None };
    let is_meant =
        |item: &Node<'_>| item.get("name").is_some_and(|node| matches!(&node.value, Value::Text(text) if text == name.as_str()));
    let place = items.iter().position(is_meant)?;
    items.remove(place);
    Some((place, root))
}

/// The same, with no workers written in the one way that all are compared in.
pub fn normal(mut root: Option<Node<'_>>) -> Option<Node<'_>> {
    if let Some(list) = root.as_mut().and_then(|root| root.get_mut(WORKERS))
        && list.value == Value::List(Vec::new())
    {
        list.value = Value::Nothing;
    }
    root
}
