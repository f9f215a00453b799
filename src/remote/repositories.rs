//! The repositories that a TaintFactory worker knows: `factory repo list --format json`.

use std::time::Instant;

use serde_json::Value;

use super::Remote;
use super::command;
use super::failure::{Failure, Kind};
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
    match serde_json::from_slice(printed) {
        Ok(Value::Array(items)) => Ok(items.iter().filter_map(|item| repository(item, None)).collect()),
        Ok(Value::Object(items)) => Ok(items.iter().filter_map(|(name, item)| repository(item, Some(name))).collect()),
        Ok(Value::Null) => Ok(Vec::new()),
        Ok(_) => Err(nonsense("it is no list".to_owned())),
        Err(error) => Err(nonsense(neutralise::line(&error.to_string()))),
    }
}

/// The published binary writes `Namespace`, `ConfigPath`, `LocalPath`; others write `config_path`: case and `_` do not count.
fn repository(item: &Value, name: Option<&String>) -> Option<Repository> {
    let item = item.as_object()?;
    let text = |wanted: &str| {
        let plain = |key: &str| key.replace('_', "").to_lowercase();
        let value = item.iter().find(|(key, _)| plain(key) == wanted)?.1.as_str()?;
        (!value.is_empty()).then(|| value.to_owned())
    };
    let namespace = text("namespace").or_else(|| name.cloned())?;
    Some(Repository { namespace, config: text("configpath"), directory: text("localpath") })
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
    use rstest::rstest;

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
    fn two_namespaces_that_end_alike_are_not_guessed_between() {
        let list = r#"[{"Namespace":"a/x","ConfigPath":"/1"},{"Namespace":"b/x","ConfigPath":"/2"}]"#;
        let repositories = understand(0, list.as_bytes()).unwrap();
        assert!(config(&repositories, "x").unwrap_err().ends_with("a/x, b/x"));
        assert_eq!(config(&repositories, "b/x").unwrap(), "/2");
    }
}
