//! Label and field selectors.

use serde_json::Value;

use crate::http::Request;
use crate::resources::Kind;
use crate::status::Status;

/// One requirement of a label selector.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

/// What a list or a watch is restricted to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    labels: Vec<Requirement>,
    /// A path such as `status.phase`, its value, and whether it must be this one.
    fields: Vec<(String, String, bool)>,
}

impl Selector {
    /// # Errors
    /// 400 when one of the texts is no selector.
    pub fn parse(labels: Option<&str>, fields: Option<&str>) -> Result<Self, Status> {
        let labels = split_outside_parentheses(labels.unwrap_or_default()).map(requirement).collect::<Result<_, _>>()?;
        let fields = fields.unwrap_or_default().split(',').filter(|part| !part.trim().is_empty());
        Ok(Self { labels, fields: fields.map(field).collect::<Result<_, _>>()? })
    }

    /// What a request for objects of this kind selects.
    ///
    /// # Errors
    /// 400 when that is no selector, or one by a field that this kind cannot be selected by.
    pub fn of(request: &Request, kind: &Kind) -> Result<Self, Status> {
        let selector = Self::parse(request.parameter("labelSelector"), request.parameter("fieldSelector"))?;
        match selector.fields.iter().find(|(path, ..)| !is_selectable(&kind.plural, path)) {
            Some((path, ..)) => Err(Status::bad_request(format!("field label not supported: {path}"))),
            None => Ok(selector),
        }
    }

    /// The same, and only the object of this name.
    pub fn and_name(mut self, name: &str) -> Self {
        self.fields.push(("metadata.name".to_owned(), name.to_owned(), true));
        self
    }

    pub fn matches(&self, object: &Value) -> bool {
        let label = |name: &str| object["metadata"]["labels"][name].as_str();
        let labels = self.labels.iter().all(|requirement| match requirement {
            Requirement::In(name, values) => label(name).is_some_and(|value| values.iter().any(|there| there == value)),
            Requirement::NotIn(name, values) => !label(name).is_some_and(|value| values.iter().any(|there| there == value)),
            Requirement::Exists(name) => label(name).is_some(),
            Requirement::Absent(name) => label(name).is_none(),
        });
        labels && self.fields.iter().all(|(path, value, equal)| (at(object, path) == value) == *equal)
    }
}

/// Whether the API server keeps an index of this field; of most kinds there is none but for the metadata.
fn is_selectable(plural: &str, path: &str) -> bool {
    let more: &[&str] = match plural {
        "pods" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "namespaces" => &["status.phase"],
        "nodes" => &["spec.unschedulable"],
        "secrets" => &["type"],
        "events" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        _ => &[],
    };
    ["metadata.name", "metadata.namespace"].contains(&path) || more.contains(&path)
}

fn at<'a>(object: &'a Value, path: &str) -> &'a str {
    let found = path.split('.').try_fold(object, |value, part| value.get(part));
    found.and_then(Value::as_str).unwrap_or_default()
}

fn split_outside_parentheses(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let parts = text.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

fn requirement(text: &str) -> Result<Requirement, Status> {
    let name = |name: &str| name.trim().to_owned();
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some((before, values)) = text.split_once('(') {
        let values = values.trim_end_matches(')').split(',').map(|value| value.trim().to_owned()).collect();
        return match before.split_whitespace().collect::<Vec<_>>()[..] {
            [label, "in"] => Ok(Requirement::In(name(label), values)),
            [label, "notin"] => Ok(Requirement::NotIn(name(label), values)),
            _ => Err(Status::bad_request(format!("unable to parse requirement: {text:?}"))),
        };
    }
    if let Some((label, value)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(name(label), one(value)));
    }
    if let Some((label, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Requirement::In(name(label), one(value)));
    }
    match text.strip_prefix('!') {
        Some(label) => Ok(Requirement::Absent(name(label))),
        None => Ok(Requirement::Exists(name(text))),
    }
}

fn field(text: &str) -> Result<(String, String, bool), Status> {
    let equal = |(path, value): (&str, &str), equal| (path.trim().to_owned(), value.trim().to_owned(), equal);
    text.split_once("!=")
        .map(|pair| equal(pair, false))
        .or_else(|| text.split_once("==").or_else(|| text.split_once('=')).map(|pair| equal(pair, true)))
        .ok_or_else(|| Status::bad_request(format!("invalid selector: '{text}'; can't understand '{text}'")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_and_fields_select() {
        let pod = json!({"metadata": {"name": "a", "labels": {"app": "x", "tier": "1"}}, "status": {"phase": "Running"}});
        let cases = [
            ("app=x", true),
            ("app==x,tier=1", true),
            ("app=y", false),
            ("app!=y", true),
            ("app in (x, y),tier", true),
            ("app notin (x,y)", false),
            ("!app", false),
            ("!other", true),
            ("other", false),
            ("", true),
        ];
        for (text, expected) in cases {
            assert_eq!(Selector::parse(Some(text), None).unwrap().matches(&pod), expected, "{text}");
        }
        let by_field = |text| Selector::parse(None, Some(text)).unwrap().matches(&pod);
        assert!(by_field("metadata.name=a,status.phase=Running") && !by_field("status.phase!=Running"));
        assert!(Selector::parse(None, Some("nonsense")).is_err());
    }
}
