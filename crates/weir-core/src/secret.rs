//! Secrets that do not print, and the references by which a config file names them.

use secrecy::{ExposeSecret, SecretString};

/// A key. Its `Debug` shows nothing.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a key.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The key itself, at the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// How a config file names a secret without holding it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// `env:NAME`: an environment variable.
    Env(String),
    /// `file:PATH`: a file's content, without the line end.
    File(String),
    /// `caller`: whatever key the caller sent is passed on.
    Caller,
}

/// A reference that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a reference to a secret: write \"env:NAME\", \"file:PATH\" or \"caller\"")]
pub struct SecretRefError(String);

impl std::str::FromStr for SecretRef {
    type Err = SecretRefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.to_owned())),
            None if text == "caller" => Ok(Self::Caller),
            // A literal key may have been pasted here: the error must not repeat it whole.
            _ => Err(SecretRefError(format!("{}…", text.chars().take(4).collect::<String>()))),
        }
    }
}
