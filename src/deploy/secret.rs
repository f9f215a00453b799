//! The values of a worker's Secret: where they come from, and that they go nowhere else.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::{env, fmt, fs};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

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
pub struct Secrets(BTreeMap<String, String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
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
        Ok(Self(variables.into_iter().filter(|(_, value)| !value.is_empty()).collect()))
    }

    /// The known names that our own environment has.
    pub fn from_environment() -> Self {
        let get = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let value = |name: &str| if name == "GH_TOKEN" { get(name).or_else(|| get("GITHUB_TOKEN")) } else { get(name) };
        Self(NAMES.iter().filter_map(|&name| Some((name.to_owned(), value(name)?))).collect())
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
        self.0.insert(SSH_KEY.to_owned(), key);
        Ok(self)
    }

    /// Whether there is a token; a name of a user alone is none.
    pub fn is_empty(&self) -> bool {
        self.0.keys().all(|name| name == "GH_USER")
    }

    /// What a worker would be without.
    pub fn missing(&self) -> Vec<&'static str> {
        NAMES.into_iter().filter(|&name| name != "GH_USER" && !self.0.contains_key(name)).collect()
    }

    /// What they are called.
    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// As the `data` of a Secret, with what the template gives by default.
    ///
    /// # Errors
    /// The template cannot be used.
    pub fn data(&self) -> Result<Value> {
        let defaults = render::default_secrets()?;
        let all: BTreeMap<_, _> = defaults.into_iter().chain(self.0.clone()).collect();
        Ok(all.into_iter().map(|(name, value)| (name, STANDARD.encode(value).into())).collect::<serde_json::Map<_, _>>().into())
    }
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
        let data = secrets.data().unwrap();
        assert_eq!((data["GH_TOKEN"].as_str(), data["EXTRA"].as_str()), (Some("Zml2ZQ=="), Some("bW9yZQ==")));
        assert_eq!(data["GH_USER"], STANDARD.encode("taintfactory-bot"));
        assert_eq!(data.get("CLAUDE_CODE_OAUTH_TOKEN"), None);
        assert_eq!(format!("{secrets:?}"), r#"{"EXTRA", "GH_TOKEN"}"#);
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
