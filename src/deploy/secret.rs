//! The values of a worker's Secret: where they come from, and that they go nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::{env, fmt, fs};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::{env_file, render};
use crate::exit::{Code, Problem};

/// What is taken from the environment. `GITHUB_TOKEN` stands in for `GH_TOKEN`.
const NAMES: [&str; 3] = ["CLAUDE_CODE_OAUTH_TOKEN", "GH_TOKEN", "GH_USER"];
/// The key for git over SSH, which is mounted as a file.
const SSH_KEY: &str = "ssh-privatekey";
/// Who of others may read a file of secrets.
const OTHERS: u32 = 0o077;

/// Secret values. They are never printed: `Debug` shows their names.
#[derive(Clone, Default)]
pub struct Secrets {
    /// By the command line.
    said: BTreeMap<String, String>,
    /// By our own environment: for a worker that has none.
    offered: BTreeMap<String, String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl Secrets {
    /// All variables of a file.
    ///
    /// # Errors
    /// It cannot be read, or is no file of variables.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let variables = env_file::parse(&text)
            .map_err(|why| Problem::new(Code::Usage, format!("{}: {why}", path.display()), "write NAME=VALUE lines"))?;
        let used = variables.into_iter().map(|(name, value)| (used(&name, value), name));
        let said = used.filter(|(value, _)| !value.is_empty()).map(|(value, name)| (name, value)).collect();
        Ok(Self { said, ..Self::default() })
    }

    /// The known names that our own environment has.
    pub fn from_environment() -> Self {
        let get = |name: &str| env::var(name).ok().map(|value| used(name, value)).filter(|value| !value.is_empty());
        let value = |name: &str| if name == "GH_TOKEN" { get(name).or_else(|| get("GITHUB_TOKEN")) } else { get(name) };
        let offered = NAMES.iter().filter_map(|&name| Some((name.to_owned(), value(name)?))).collect();
        Self { offered, ..Self::default() }
    }

    /// Add a private key for git over SSH.
    ///
    /// # Errors
    /// The file cannot be read, or is no private key.
    pub fn with_ssh_key(mut self, path: &Path) -> Result<Self> {
        let key = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        if !key.contains("PRIVATE KEY-----") {
            let what = format!("{} is no private key", path.display());
            return Err(Problem::new(Code::Usage, what, "name the file without .pub").into());
        }
        self.said.insert(SSH_KEY.to_owned(), key);
        Ok(self)
    }

    /// Whether there is a token; a name of a user alone is none.
    pub fn is_empty(&self) -> bool {
        self.names().iter().all(|name| *name == "GH_USER")
    }

    /// What a worker would be without.
    pub fn missing(&self) -> Vec<&'static str> {
        NAMES.into_iter().filter(|name| *name != "GH_USER" && !self.names().contains(name)).collect()
    }

    /// What they are called.
    pub fn names(&self) -> Vec<&str> {
        let names: BTreeSet<_> = self.said.keys().chain(self.offered.keys()).map(String::as_str).collect();
        names.into_iter().collect()
    }

    /// The `data` that a worker's Secret is to have, which has `present` now: what the template and our environment give is for
    /// what it lacks.
    ///
    /// # Errors
    /// The template cannot be used.
    pub fn data(&self, present: &Map<String, Value>) -> Result<Map<String, Value>> {
        let encoded = |(name, value): (&String, &String)| (name.clone(), Value::from(STANDARD.encode(value)));
        let defaults: BTreeMap<_, _> = render::default_secrets()?.into_iter().collect();
        let mut data: Map<_, _> = defaults.iter().chain(&self.offered).map(encoded).collect();
        data.extend(present.clone());
        data.extend(self.said.iter().map(encoded));
        Ok(data)
    }
}

/// A value as it is used. A token has no blank or line end behind it: `cat` and copying bring them, and servers refuse it then.
fn used(name: &str, value: String) -> String {
    let is_token = NAMES.contains(&name) || ["_TOKEN", "_API_KEY"].iter().any(|end| name.ends_with(end));
    if is_token { value.trim_end().to_owned() } else { value }
}

/// Why others can read a file of secrets, if they can.
pub fn exposed(path: &Path) -> Option<String> {
    let mode = fs::metadata(path).ok()?.mode();
    let name = path.display();
    (mode & OTHERS != 0).then(|| format!("{name} can be read by others: chmod 600 {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(text: &str) -> Secrets {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        Secrets::from_file(file.path()).unwrap()
    }

    #[test]
    fn values_are_encoded_and_never_shown() {
        let secrets = secrets("GH_TOKEN=five\nEXTRA=more\n");
        let data = secrets.data(&Map::new()).unwrap();
        assert_eq!((data["GH_TOKEN"].as_str(), data["EXTRA"].as_str()), (Some("Zml2ZQ=="), Some("bW9yZQ==")));
        assert_eq!(data["GH_USER"], STANDARD.encode("taintfactory-bot"));
        assert_eq!(data.get("CLAUDE_CODE_OAUTH_TOKEN"), None);
        assert_eq!(format!("{secrets:?}"), r#"{"EXTRA", "GH_TOKEN"}"#);
        assert_eq!(secrets.missing(), ["CLAUDE_CODE_OAUTH_TOKEN"]);
    }

    #[test]
    fn what_is_not_said_stays() {
        let present = Map::from_iter(
            [("GH_TOKEN", "b2xk"), ("GH_USER", "Ym90"), ("ssh-privatekey", "a2V5")]
                .map(|(name, value)| (name.to_owned(), value.into())),
        );
        let offered = Secrets { offered: secrets("GH_TOKEN=mine\nCLAUDE_CODE_OAUTH_TOKEN=mine\n").said, ..Secrets::default() };
        let data = offered.data(&present).unwrap();
        assert_eq!(
            (&data["GH_TOKEN"], &data["GH_USER"], &data["ssh-privatekey"]),
            (&"b2xk".into(), &"Ym90".into(), &"a2V5".into())
        );
        assert_eq!(data["CLAUDE_CODE_OAUTH_TOKEN"], STANDARD.encode("mine"));
        let data = secrets("GH_TOKEN=new\n").data(&present).unwrap();
        assert_eq!((&data["GH_TOKEN"], &data["GH_USER"]), (&Value::from(STANDARD.encode("new")), &"Ym90".into()));
    }

    #[test]
    fn a_token_loses_what_was_copied_with_it() {
        let secrets =
            secrets("GH_TOKEN=\"five \\n\"\nCLAUDE_CODE_OAUTH_TOKEN=' '\nEXTRA='as it is '\nANTHROPIC_API_KEY=\"key\\n\"\n");
        let data = secrets.data(&Map::new()).unwrap();
        let value = |name: &str| String::from_utf8(STANDARD.decode(data[name].as_str().unwrap()).unwrap()).unwrap();
        assert_eq!(
            (value("GH_TOKEN").as_str(), value("EXTRA").as_str(), value("ANTHROPIC_API_KEY").as_str()),
            ("five", "as it is ", "key")
        );
        assert_eq!(secrets.missing(), ["CLAUDE_CODE_OAUTH_TOKEN"]);
    }

    #[test]
    fn a_public_key_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "ssh-ed25519 AAAA me").unwrap();
        let error = Secrets::default().with_ssh_key(file.path()).unwrap_err();
        assert!(error.to_string().contains("is no private key"), "{error}");
    }

    #[test]
    fn a_file_that_others_can_read_is_noticed() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(exposed(file.path()), None);
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(exposed(file.path()).unwrap().contains("chmod 600"));
    }
}
