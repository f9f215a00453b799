//! Whether kubectl may run a login plugin, and whether that or kubectl itself may ask the operator something, by the files
//! that kubectl reads.
//!
//! Nobody knows beforehand what a plugin asks, and a name has to show while it is typed where a password must not: so the
//! terminal has to be as the operator has it when kubectl starts. Asking kubectl for its configuration would take as long
//! as all the rest of its start.

use std::env;
use std::fs;
use std::path::PathBuf;

use serde_yaml::Value;

use super::Cluster;

/// What kubectl may do before it talks to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// Nothing: it knows who its user is.
    Known,
    /// It may run a program that waits for the operator somewhere else: at a page in a browser, say.
    Elsewhere,
    /// It, or a program that it runs, may ask the operator on the terminal.
    Asks,
}

/// What kubectl may do before it talks to this cluster.
pub fn of(cluster: &Cluster) -> Login {
    let texts = files(cluster).into_iter().filter_map(|file| fs::read_to_string(file).ok());
    login(&texts.collect::<Vec<_>>(), cluster.context.as_deref())
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
fn login(texts: &[String], context: Option<&str>) -> Login {
    let files: Vec<Value> = texts.iter().filter_map(|text| serde_yaml::from_str(text).ok()).collect();
    let current = || files.iter().filter_map(|file| file["current-context"].as_str()).find(|name| !name.is_empty());
    let Some(context) = context.or_else(current).and_then(|context| named(&files, "contexts", context)) else {
        return Login::Known;
    };
    let of = |kind: &str, what: &str| {
        let entry = context["context"][what].as_str().and_then(|name| named(&files, kind, name));
        entry.map_or(&Value::Null, |entry| &entry[what])
    };
    let user = of("users", "user");
    if user["exec"].is_mapping() {
        // `IfAvailable` unless something else is said.
        let never = user["exec"]["interactiveMode"].as_str() == Some("Never");
        return if never { Login::Elsewhere } else { Login::Asks };
    }
    let is_secure = of("clusters", "cluster")["server"].as_str().is_some_and(|server| server.starts_with("https:"));
    let is_nobody = CREDENTIALS.iter().all(|credential| user[*credential].is_null());
    if is_secure && is_nobody { Login::Asks } else { Login::Known }
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
    #[case("{exec: {command: login, interactiveMode: Always}}", Login::Asks)]
    #[case("{exec: {command: login, interactiveMode: IfAvailable}}", Login::Asks)]
    #[case("{exec: {command: login}}", Login::Asks)]
    #[case("{exec: {command: login, interactiveMode: Never}}", Login::Elsewhere)]
    #[case("{exec: null}", Login::Asks)]
    #[case("{client-certificate-data: c, client-key-data: k}", Login::Known)]
    #[case("{token: t}", Login::Known)]
    #[case("{}", Login::Asks)]
    fn a_plugin_asks_unless_it_never_does_and_kubectl_when_it_knows_nobody(#[case] user: &str, #[case] expected: Login) {
        assert_eq!(login(&[file(user)], None), expected);
        assert_eq!(login(&[file(user)], Some("c")), expected);
        assert_eq!(login(&[file(user)], Some("other")), Login::Known, "that user has none");
        assert_eq!(login(&[file(user)], Some("nowhere")), Login::Known);
    }

    #[test]
    fn the_first_of_several_files_counts() {
        let (plugin, token) = (file("{exec: {command: login}}"), file("{token: t}"));
        let context_only = "current-context: c\nusers: 7".to_owned();
        assert_eq!(login(&[context_only.clone(), plugin.clone(), token.clone()], None), Login::Asks);
        assert_eq!(login(&[token, plugin], None), Login::Known);
        assert_eq!(login(&[context_only, "no: [yaml".to_owned()], None), Login::Known);
        assert_eq!(login(&[], None), Login::Known);
    }
}
