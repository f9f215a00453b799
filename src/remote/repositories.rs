//! The repositories that a TaintFactory worker knows: `factory repo list --format json`.

use std::fmt;
use std::time::Instant;

use serde::de::value::Error as Plain;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::Remote;
use super::command;
use crate::failure::{Failure, Kind};
use crate::terminal::neutralise;

/// One repository on the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Usually `OWNER/NAME`.
    pub namespace: String,
    /// Its pipeline configuration, a path on the worker.
    pub config: Option<String>,
    /// Where it is checked out on the worker.
    pub directory: Option<String>,
}

/// The command that lists them.
pub fn command() -> Vec<String> {
    ["factory", "repo", "list", "--format", "json"].map(str::to_owned).to_vec()
}

/// Ask for them.
///
/// # Errors
/// The worker could not be asked, or the command failed, or its answer is no list of repositories.
pub fn list(remote: &Remote, deadline: Instant) -> Result<Vec<Repository>, Failure> {
    let output = command::ask(remote, &command(), deadline)?;
    understand(output.status, &output.stdout)
}

/// The repositories in what the command printed.
///
/// # Errors
/// It exited with another status than 0, or printed no list of repositories.
pub fn understand(status: i32, printed: &[u8]) -> Result<Vec<Repository>, Failure> {
    if status != 0 {
        return Err(Failure::new(Kind::Failed, format!("the list of repositories: {}", command::verdict(&command(), status))));
    }
    let nonsense =
        |why: String| Failure::new(Kind::Failed, format!("`factory repo list` printed no list of repositories: {why}"));
    let listed = serde_json::from_slice(printed).map_err(|error| nonsense(neutralise::line(&error.to_string())))?;
    match listed {
        Listed::Repositories(repositories) => Ok(repositories),
        Listed::SomethingElse => Err(nonsense("it is no list".to_owned())),
    }
}

/// More than anybody has; a hostile answer may hold no more memory than these.
const MOST: usize = 10_000;

/// What was printed, as far as it is about repositories: nothing else of it is ever kept.
enum Listed {
    Repositories(Vec<Repository>),
    SomethingElse,
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut found = Vec::new();
        let value = from.deserialize_any(Values { each: |name, item: Item| add::<Plain>(&mut found, name, item) })?;
        Ok(if value.listing { Self::Repositories(found) } else { Self::SomethingElse })
    }
}

fn add<E: Error>(found: &mut Vec<Repository>, name: Option<String>, item: Item) -> Result<(), E> {
    let Item { object: true, namespace, config, directory, .. } = item else { return Ok(()) };
    let Some(namespace) = namespace.or(name) else { return Ok(()) };
    if found.len() == MOST {
        return Err(E::custom(format_args!("it has more than {MOST}")));
    }
    found.push(Repository { namespace, config, directory });
    Ok(())
}

/// As much of a JSON value as a repository is made of.
#[derive(Debug, Default)]
struct Item {
    object: bool,
    /// A list, an object, or `null`, as some write an empty list.
    listing: bool,
    /// A text that is not empty.
    text: Option<String>,
    namespace: Option<String>,
    config: Option<String>,
    directory: Option<String>,
}

impl Item {
    /// Keep one of the fields. The published binary writes `Namespace`, `ConfigPath`, `LocalPath`; others write `config_path`: case
    /// and `_` do not count.
    fn keep(&mut self, key: &str, value: Option<String>) {
        let place = match key.replace('_', "").to_lowercase().as_str() {
            "namespace" => &mut self.namespace,
            "configpath" => &mut self.config,
            "localpath" => &mut self.directory,
            _ => return,
        };
        *place = place.take().or(value);
    }
}

impl<'de> Deserialize<'de> for Item {
    /// By way of `deserialize_any`, for which serde_json has a limit of depth.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Values { each: |_, _| Ok::<(), Plain>(()) })
    }
}

/// Reads any value; what is in a list or an object is shown to `each`, with its name, and forgotten.
struct Values<F> {
    each: F,
}

impl<'de, F: FnMut(Option<String>, Item) -> Result<(), E>, E: fmt::Display> Visitor<'de> for Values<F> {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<X>(self, _: bool) -> Result<Item, X> {
        Ok(Item::default())
    }

    fn visit_unit<X>(self) -> Result<Item, X> {
        Ok(Item { listing: true, ..Item::default() })
    }

    fn visit_u64<X>(self, _: u64) -> Result<Item, X> {
        Ok(Item::default())
    }

    fn visit_i64<X>(self, _: i64) -> Result<Item, X> {
        Ok(Item::default())
    }

    fn visit_f64<X>(self, _: f64) -> Result<Item, X> {
        Ok(Item::default())
    }

    fn visit_str<X>(self, text: &str) -> Result<Item, X> {
        Ok(Item { text: Some(text.to_owned()).filter(|text| !text.is_empty()), ..Item::default() })
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Item, A::Error> {
        while let Some(item) = list.next_element()? {
            (self.each)(None, item).map_err(A::Error::custom)?;
        }
        Ok(Item { listing: true, ..Item::default() })
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Item, A::Error> {
        let mut whole = Item { object: true, listing: true, ..Item::default() };
        while let Some((key, value)) = map.next_entry::<String, Item>()? {
            whole.keep(&key, value.text.clone());
            (self.each)(Some(key), value).map_err(A::Error::custom)?;
        }
        Ok(whole)
    }
}

/// The pipeline configuration of `project`, which is a namespace or the last part of one. Where the list does not say, it
/// is where the published deployment has it.
///
/// # Errors
/// Several namespaces end like this: the text names them.
pub fn config(repositories: &[Repository], project: &str) -> Result<String, String> {
    let exact = repositories.iter().filter(|repository| repository.namespace == project);
    let ending = repositories.iter().filter(|repository| repository.namespace.rsplit('/').next() == Some(project));
    let found: Vec<_> = if exact.clone().next().is_some() { exact.collect() } else { ending.collect() };
    if found.len() > 1 {
        let names: Vec<_> = found.iter().map(|repository| neutralise::line(&repository.namespace)).collect();
        return Err(format!("several repositories are meant by {project:?}: {}", names.join(", ")));
    }
    let listed = found.first().and_then(|repository| repository.config.clone());
    Ok(listed.unwrap_or_else(|| format!("/data/repos/{project}/pipeline.yaml")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::Value;

    const LISTS: [&str; 3] = [
        r#"[{"Namespace":"acme/app","ConfigPath":"/c/app.yaml","LocalPath":"/r/app","Active":true},
            {"Namespace":"acme/web","ConfigPath":"/c/web.yaml","LocalPath":""}]"#,
        r#"[{"namespace":"acme/app","config_path":"/c/app.yaml","local_path":"/r/app"},
            {"namespace":"acme/web","config_path":"/c/web.yaml"}]"#,
        r#"{"acme/app":{"config_path":"/c/app.yaml","local_path":"/r/app"},"acme/web":{"config_path":"/c/web.yaml"}}"#,
    ];

    #[test]
    fn every_spelling_of_the_list_is_understood() {
        for list in LISTS {
            let repositories = understand(0, list.as_bytes()).unwrap();
            let described: Vec<_> = repositories.iter().map(|r| (r.namespace.as_str(), r.directory.as_deref())).collect();
            assert_eq!(described, [("acme/app", Some("/r/app")), ("acme/web", None)], "{list}");
        }
        assert_eq!(understand(0, b"null\n").unwrap(), []);
    }

    #[rstest]
    #[case(0, "no JSON")]
    #[case(0, "7")]
    #[case(1, "[]")]
    fn anything_else_is_a_failure(#[case] status: i32, #[case] printed: &str) {
        assert_eq!(understand(status, printed.as_bytes()).unwrap_err().kind, Kind::Failed);
    }

    #[rstest]
    #[case("acme/app", "/c/app.yaml")]
    #[case("web", "/c/web.yaml")]
    #[case("other", "/data/repos/other/pipeline.yaml")]
    fn a_project_is_a_namespace_or_its_last_part(#[case] project: &str, #[case] path: &str) {
        assert_eq!(config(&understand(0, LISTS[0].as_bytes()).unwrap(), project).unwrap(), path);
    }

    #[test]
    fn a_list_without_end_is_refused_before_it_takes_memory() {
        let list = |count: usize| format!("[{}]", vec![r#"{"namespace":"a"}"#; count].join(","));
        assert_eq!(understand(0, list(MOST).as_bytes()).unwrap().len(), MOST);
        let failure = understand(0, list(MOST + 1).as_bytes()).unwrap_err();
        assert!(failure.reason.contains("more than 10000"), "{failure}");
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert!(understand(0, deep.as_bytes()).unwrap_err().reason.contains("recursion"));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let key = prop_oneof![
                Just("Namespace".to_owned()),
                Just("config_path".to_owned()),
                Just("LocalPath".to_owned()),
                "[a-c]{1,3}"
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect()))
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_a_list_or_refused(value in json()) {
            let understood = understand(0, value.to_string().as_bytes());
            prop_assert_eq!(understood.is_ok(), value.is_array() || value.is_object() || value.is_null());
            let objects = match &value {
                Value::Array(items) => items.iter().filter(|item| item["Namespace"].as_str().is_some_and(|text| !text.is_empty())).count(),
                Value::Object(items) => items.values().filter(|item| item.is_object()).count(),
                _ => 0,
            };
            prop_assert_eq!(understood.map_or(0, |repositories| repositories.len()), objects);
        }

        #[test]
        fn any_bytes_are_understood_or_refused_in_one_line(printed in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Err(failure) = understand(0, &printed) {
                prop_assert!(!failure.reason.contains(neutralise::deceives), "{}", failure.reason);
            }
        }

        #[test]
        fn any_project_has_one_configuration_or_a_reason(names in prop::collection::vec("[ab]{1,2}(/[ab]{1,2})?", 0..5), project in "[ab/]{1,5}") {
            let of = |name: &String| Repository { namespace: name.clone(), config: Some(format!("/{name}")), directory: None };
            let repositories: Vec<_> = names.iter().map(of).collect();
            let meant = config(&repositories, &project);
            if names.contains(&project) && names.iter().filter(|name| **name == project).count() == 1 {
                prop_assert_eq!(meant, Ok(format!("/{project}")));
            } else if let Ok(path) = meant {
                let listed = names.iter().filter(|name| name.rsplit('/').next() == Some(project.as_str())).count();
                prop_assert!(listed == 1 || listed == 0 && path.starts_with("/data/repos/"));
            }
        }
    }

    #[test]
    fn two_namespaces_that_end_alike_are_not_guessed_between() {
        let list = r#"[{"Namespace":"a/x","ConfigPath":"/1"},{"Namespace":"b/x","ConfigPath":"/2"}]"#;
        let repositories = understand(0, list.as_bytes()).unwrap();
        assert!(config(&repositories, "x").unwrap_err().ends_with("a/x, b/x"));
        assert_eq!(config(&repositories, "b/x").unwrap(), "/2");
    }
}
