//! How a user of a cluster logs in, by the files that kubectl reads. Asking kubectl for its configuration would take as long as all
//! the rest of its start.

use std::collections::HashMap;
use std::env;
use std::fs::{self, Metadata};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use std::time::SystemTime;

use serde_yaml::Value;

use crate::cluster::Cluster;

/// Whether a login plugin reads the terminal: `interactiveMode` of a user's `exec`
/// (kubernetes.io/docs/reference/access-authn-authz/authentication, "client-go credential plugins").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interactive {
    Never,
    IfAvailable,
    /// kubectl does not even run it where its own standard input is no terminal.
    Always,
}

/// A login plugin: `exec` of a user in the kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// What tells it from every other one: the files, the context, the user.
    pub user: String,
    pub interactive: Interactive,
}

/// How somebody logs in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    pub plugin: Option<Plugin>,
    /// kubectl, or the plugin, may ask its operator something before it talks to the cluster.
    pub may_ask: bool,
}

/// The files as they were when they were read.
type Versions = Vec<(PathBuf, Option<(SystemTime, u64)>)>;
type Read = HashMap<(Option<PathBuf>, Option<String>), (Versions, Login)>;

/// How the user of this cluster logs in. The files are read again when they have changed.
pub fn login(cluster: &Cluster) -> Login {
    static READ: OnceLock<Mutex<Read>> = OnceLock::new();
    let read = READ.get_or_init(Mutex::default);
    let key = (cluster.kubeconfig.clone(), cluster.context.clone());
    let versions: Versions = files(cluster).into_iter().map(|file| (file.clone(), version(file))).collect();
    let mut read = read.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some((_, login)) = read.get(&key).filter(|(then, _)| *then == versions) {
        return login.clone();
    }
    let texts: Vec<String> = versions.iter().filter_map(|(file, _)| fs::read_to_string(file).ok()).collect();
    let mut login = of(&texts, cluster.context.as_deref());
    if let Some(plugin) = &mut login.plugin {
        let files: Vec<_> = versions.iter().map(|(file, _)| fs::canonicalize(file).unwrap_or_else(|_| file.clone())).collect();
        plugin.user = format!("{files:?} {}", plugin.user);
    }
    read.insert(key, (versions, login.clone()));
    login
}

fn version(file: PathBuf) -> Option<(SystemTime, u64)> {
    let version = |about: Metadata| Some((about.modified().ok()?, about.len()));
    fs::metadata(file).ok().and_then(version)
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
fn of(texts: &[String], context: Option<&str>) -> Login {
    let files: Vec<Value> = texts.iter().filter_map(|text| serde_yaml::from_str(text).ok()).collect();
    let current = || files.iter().filter_map(|file| file["current-context"].as_str()).find(|name| !name.is_empty());
    let Some(name) = context.or_else(current) else { return Login::default() };
    let Some(context) = named(&files, "contexts", name) else { return Login::default() };
    let of = |kind: &str, what: &str| {
        let entry = context["context"][what].as_str().and_then(|name| named(&files, kind, name));
        entry.map_or(&Value::Null, |entry| &entry[what])
    };
    let user = of("users", "user");
    if user["exec"].is_mapping() {
        let interactive = match user["exec"]["interactiveMode"].as_str() {
            Some("Never") => Interactive::Never,
            Some("Always") => Interactive::Always,
            // That is what an older version of the API means by saying nothing.
            _ => Interactive::IfAvailable,
        };
        let user = format!("{name:?} {:?}", context["context"]["user"].as_str().unwrap_or_default());
        return Login { plugin: Some(Plugin { user, interactive }), may_ask: interactive != Interactive::Never };
    }
    let is_secure = of("clusters", "cluster")["server"].as_str().is_some_and(|server| server.starts_with("https:"));
    Login { plugin: None, may_ask: is_secure && CREDENTIALS.iter().all(|credential| user[*credential].is_null()) }
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

    fn asks(texts: &[String], context: Option<&str>) -> bool {
        of(texts, context).may_ask
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

    #[test]
    fn a_plugin_is_told_from_that_of_another_context_or_user() {
        let user = |context: Option<&str>| of(&[file("{exec: {command: login}}")], context).plugin.map(|plugin| plugin.user);
        assert_eq!(user(None), user(Some("c")));
        assert_eq!(user(None).as_deref(), Some("\"c\" \"u\""));
        assert_eq!(of(&[file("{token: t}")], None).plugin, None);
    }

    #[test]
    fn a_file_that_has_changed_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config");
        let cluster = Cluster { kubeconfig: Some(path.clone()), context: None, namespace: None };
        assert_eq!(login(&cluster), Login::default());
        fs::write(&path, file("{exec: {command: login, interactiveMode: Always}}")).unwrap();
        assert_eq!(login(&cluster).plugin.unwrap().interactive, Interactive::Always);
        fs::write(&path, file("{token: t}")).unwrap();
        assert_eq!(login(&cluster), Login::default());
    }
}
