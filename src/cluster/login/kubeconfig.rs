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

/// What kubectl may do before it talks to a cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Login {
    /// Nothing: it knows who its user is.
    #[default]
    Known,
    /// It may run a program that waits for the operator somewhere else: at a page in a browser, say.
    Elsewhere,
    /// It, or a program that it runs, may ask the operator on the terminal.
    Asks,
}

/// How somebody logs in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    pub plugin: Option<Plugin>,
    pub login: Login,
    /// What the files say of the cluster itself: `server`, `proxy-url` …; null when they say nothing.
    pub cluster: serde_json::Value,
    /// The context's namespace, `default` when it has none; `None` when there is no such context.
    pub namespace: Option<String>,
}

/// The files as they were when they were read.
type Versions = Vec<(PathBuf, Option<(SystemTime, u64)>)>;
type Read = HashMap<(Option<PathBuf>, Option<String>), (Versions, User)>;

/// How the user of this cluster logs in. The files are read again when they have changed.
pub fn user(cluster: &Cluster) -> User {
    static READ: OnceLock<Mutex<Read>> = OnceLock::new();
    let read = READ.get_or_init(Mutex::default);
    let key = (cluster.kubeconfig.clone(), cluster.context.clone());
    let versions: Versions = files(cluster).into_iter().map(|file| (file.clone(), version(file))).collect();
    let mut read = read.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some((_, user)) = read.get(&key).filter(|(then, _)| *then == versions) {
        return user.clone();
    }
    let texts: Vec<String> = versions.iter().filter_map(|(file, _)| fs::read_to_string(file).ok()).collect();
    let mut user = of(&texts, cluster.context.as_deref());
    if let Some(plugin) = &mut user.plugin {
        let files: Vec<_> = versions.iter().map(|(file, _)| fs::canonicalize(file).unwrap_or_else(|_| file.clone())).collect();
        plugin.user = format!("{files:?} {}", plugin.user);
    }
    read.insert(key, (versions, user.clone()));
    user
}

/// The names of the contexts in the files for this cluster, whatever its own context is. Nobody is asked.
pub fn contexts(cluster: &Cluster) -> Vec<String> {
    let texts = files(cluster).into_iter().filter_map(|file| fs::read_to_string(file).ok());
    let files: Vec<Value> = texts.filter_map(|text| serde_yaml::from_str(&text).ok()).collect();
    let all = files.iter().filter_map(|file| file["contexts"].as_sequence()).flatten();
    all.filter_map(|context| context["name"].as_str().map(str::to_owned)).collect()
}

fn version(file: PathBuf) -> Option<(SystemTime, u64)> {
    let version = |about: Metadata| Some((about.modified().ok()?, about.len()));
    fs::metadata(file).ok().and_then(version)
}

/// The files that kubectl reads, whether they are there or not.
pub fn files(cluster: &Cluster) -> Vec<PathBuf> {
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
fn of(texts: &[String], context: Option<&str>) -> User {
    let files: Vec<Value> = texts.iter().filter_map(|text| serde_yaml::from_str(text).ok()).collect();
    let current = || files.iter().filter_map(|file| file["current-context"].as_str()).find(|name| !name.is_empty());
    let Some(name) = context.or_else(current) else { return User::default() };
    let Some(context) = named(&files, "contexts", name) else { return User::default() };
    let of = |kind: &str, what: &str| {
        let entry = context["context"][what].as_str().and_then(|name| named(&files, kind, name));
        entry.map_or(&Value::Null, |entry| &entry[what])
    };
    let user = of("users", "user");
    let cluster = serde_json::to_value(of("clusters", "cluster")).unwrap_or_default();
    let namespace = context["context"]["namespace"].as_str().filter(|name| !name.is_empty()).unwrap_or("default");
    let namespace = Some(namespace.to_owned());
    if user["exec"].is_mapping() {
        let interactive = match user["exec"]["interactiveMode"].as_str() {
            Some("Never") => Interactive::Never,
            Some("Always") => Interactive::Always,
            // That is what an older version of the API means by saying nothing.
            _ => Interactive::IfAvailable,
        };
        let user = format!("{name:?} {:?}", context["context"]["user"].as_str().unwrap_or_default());
        let login = if interactive == Interactive::Never { Login::Elsewhere } else { Login::Asks };
        return User { plugin: Some(Plugin { user, interactive }), login, cluster, namespace };
    }
    let is_secure = of("clusters", "cluster")["server"].as_str().is_some_and(|server| server.starts_with("https:"));
    let is_nobody = CREDENTIALS.iter().all(|credential| user[*credential].is_null());
    User { plugin: None, login: if is_secure && is_nobody { Login::Asks } else { Login::Known }, cluster, namespace }
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

    fn login(texts: &[String], context: Option<&str>) -> Login {
        of(texts, context).login
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
        assert_eq!(super::user(&cluster), User::default());
        fs::write(&path, file("{exec: {command: login, interactiveMode: Always}}")).unwrap();
        assert_eq!(super::user(&cluster).plugin.unwrap().interactive, Interactive::Always);
        fs::write(&path, file("{token: t}")).unwrap();
        let user = super::user(&cluster);
        assert_eq!((user.plugin, user.login), (None, Login::Known));
        assert_eq!(user.cluster["server"], "https://x");
    }
}
