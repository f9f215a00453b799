//! Whether kubectl or its login plugin may ask the operator something, by the files that kubectl reads.
//!
//! Nobody knows beforehand what a plugin asks, and a name has to show while it is typed where a password must not: so the
//! terminal has to be as the operator has it when kubectl starts. Asking kubectl for its configuration would take as long
//! as all the rest of its start.

use std::env;
use std::fs;
use std::path::PathBuf;

use serde_yaml::Value;

use super::Cluster;

/// Whether kubectl may run a program that reads the terminal before it talks to this cluster.
pub fn may_ask(cluster: &Cluster) -> bool {
    let texts = files(cluster).into_iter().filter_map(|file| fs::read_to_string(file).ok());
    asks(&texts.collect::<Vec<_>>(), cluster.context.as_deref())
}

fn files(cluster: &Cluster) -> Vec<PathBuf> {
    if let Some(file) = &cluster.kubeconfig {
        return vec![file.clone()];
    }
    match env::var_os("KUBECONFIG").filter(|list| !list.is_empty()) {
        Some(list) => env::split_paths(&list).filter(|file| !file.as_os_str().is_empty()).collect(),
        None => env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect(),
    }
}

/// What tells who somebody is. kubectl asks for a name and a password where a secure server has to do without.
const CREDENTIALS: [&str; 6] =
    ["username", "token", "tokenFile", "client-certificate", "client-certificate-data", "auth-provider"];

/// What stands first counts, as for kubectl.
fn asks(texts: &[String], context: Option<&str>) -> bool {
    let files: Vec<Value> = texts.iter().filter_map(|text| serde_yaml::from_str(text).ok()).collect();
    let current = || files.iter().filter_map(|file| file["current-context"].as_str()).find(|name| !name.is_empty());
    let Some(context) = context.or_else(current).and_then(|context| named(&files, "contexts", context)) else { return false };
    let of = |kind: &str, what: &str| {
        let entry = context["context"][what].as_str().and_then(|name| named(&files, kind, name));
        entry.map_or(&Value::Null, |entry| &entry[what])
    };
    let user = of("users", "user");
    if user["exec"].is_mapping() {
        // `IfAvailable` unless something else is said.
        return user["exec"]["interactiveMode"].as_str() != Some("Never");
    }
    let is_secure = of("clusters", "cluster")["server"].as_str().is_some_and(|server| server.starts_with("https:"));
    is_secure && CREDENTIALS.iter().all(|credential| user[*credential].is_null())
}

fn named<'a>(files: &'a [Value], kind: &str, name: &str) -> Option<&'a Value> {
    let all = files.iter().filter_map(|file| file[kind].as_sequence()).flatten();
    all.into_iter().find(|entry| entry["name"].as_str() == Some(name))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn file(user: &str) -> String {
        format!(
            "current-context: c\ncontexts:\n- name: c\n  context: {{cluster: x, user: u}}\n- name: other\n  context: {{user: nobody}}\n\
             clusters:\n- name: x\n  cluster: {{server: 'https://x'}}\nusers:\n- name: u\n  user: {user}\n"
        )
    }

    #[rstest]
    #[case("{exec: {command: login, interactiveMode: Always}}", true)]
    #[case("{exec: {command: login, interactiveMode: IfAvailable}}", true)]
    #[case("{exec: {command: login}}", true)]
    #[case("{exec: {command: login, interactiveMode: Never}}", false)]
    #[case("{exec: null}", true)]
    #[case("{client-certificate-data: c, client-key-data: k}", false)]
    #[case("{token: t}", false)]
    #[case("{}", true)]
    fn a_plugin_asks_unless_it_never_does_and_kubectl_when_it_knows_nobody(#[case] user: &str, #[case] expected: bool) {
        assert_eq!(asks(&[file(user)], None), expected);
        assert_eq!(asks(&[file(user)], Some("c")), expected);
        assert!(!asks(&[file(user)], Some("other")), "that user has none");
        assert!(!asks(&[file(user)], Some("nowhere")));
    }

    #[test]
    fn the_first_of_several_files_counts() {
        let (plugin, token) = (file("{exec: {command: login}}"), file("{token: t}"));
        let context_only = "current-context: c\nusers: 7".to_owned();
        assert!(asks(&[context_only.clone(), plugin.clone(), token.clone()], None));
        assert!(!asks(&[token, plugin], None));
        assert!(!asks(&[context_only, "no: [yaml".to_owned()], None));
        assert!(!asks(&[], None));
    }
}
