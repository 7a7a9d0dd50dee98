//! Configurations for tests: a folder with `tidegate.toml` and its documents.

use std::path::PathBuf;

use tempfile::TempDir;

use super::document::Document;
use super::gateway::Gateway;

/// A configuration that is being written: one API called `api` with a stage `test`, one listener, one shard.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    shards: usize,
    listener: String,
    listener_more: String,
    stage: String,
    limits: String,
    more: String,
    document: String,
}

/// The configuration on disk.
#[derive(Debug)]
pub(crate) struct Folder {
    folder: TempDir,
}

impl Setup {
    pub(crate) fn new(document: &Document) -> Self {
        Self {
            shards: 1,
            listener: "127.0.0.1:0".to_owned(),
            listener_more: String::new(),
            stage: String::new(),
            limits: String::new(),
            more: String::new(),
            document: document.text(),
        }
    }

    /// More shards than CPUs are allowed.
    pub(crate) fn shards(self, shards: usize) -> Self {
        Self { shards, ..self }
    }

    pub(crate) fn listener(self, address: &str) -> Self {
        Self { listener: address.to_owned(), ..self }
    }

    /// Further keys of the listener.
    pub(crate) fn listener_more(self, more: &str) -> Self {
        Self { listener_more: format!("{more}\n"), ..self }
    }

    /// Clients may speak HTTP/2 without TLS.
    pub(crate) fn h2c(self) -> Self {
        self.listener_more("h2c = true")
    }

    /// Keys of the stage.
    pub(crate) fn stage(self, stage: &str) -> Self {
        Self { stage: stage.to_owned(), ..self }
    }

    /// Keys of `[limits]`.
    pub(crate) fn limits(self, limits: &str) -> Self {
        Self { limits: limits.to_owned(), ..self }
    }

    /// Further sections.
    pub(crate) fn more(self, more: &str) -> Self {
        Self { more: more.to_owned(), ..self }
    }

    pub(crate) fn admin(self) -> Self {
        self.more("[admin]\naddress = \"127.0.0.1:0\"\n")
    }

    pub(crate) fn text(&self) -> String {
        let Self { shards, listener, listener_more, stage, limits, more, .. } = self;
        format!(
            "[node]\nshards = {shards}\n\n[[listener]]\naddress = \"{listener}\"\n{listener_more}\n[limits]\n{limits}\n\n\
             [[api]]\nid = \"api\"\ndefinition = \"api.json\"\n\n[[api.stage]]\nname = \"test\"\n{stage}\n\n{more}\n"
        )
    }

    pub(crate) fn write(&self) -> Folder {
        Folder::of(&[("tidegate.toml", &self.text()), ("api.json", &self.document)])
    }

    #[track_caller]
    pub(crate) fn start(&self) -> Gateway {
        Gateway::run(self.write())
    }
}

impl Folder {
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let folder = Self { folder: tempfile::tempdir().expect("folder") };
        for (name, text) in files {
            folder.replace(name, text);
        }
        folder
    }

    pub(crate) fn replace(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("write");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn main_file(&self) -> PathBuf {
        self.path("tidegate.toml")
    }
}
