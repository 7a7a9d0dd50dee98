//! What the fuzz targets share: cutting input into pieces, and a folder to load a configuration from.

use std::path::{Path, PathBuf};

use tidegate_config::{Diagnostics, Loaded};

/// The input in pieces, as a connection could deliver it. Where it is cut depends on nothing but the input.
pub fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut state = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = &bytes[start..];
        if rest.is_empty() {
            return None;
        }
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Half of the pieces are of one or two bytes: most mistakes are at the ends of lines.
        let length = if state & 1 == 0 { 1 + (state >> 8) % 2 } else { 1 + (state >> 8) % 64 };
        let length = rest.len().min(length as usize);
        start += length;
        Some(&rest[..length])
    })
}

/// A folder of this process for one configuration.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// With these files in it.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("tidegate-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for temporary files");
        let folder = Self { path };
        files.iter().for_each(|(name, text)| folder.write(name, text.as_bytes()));
        folder
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path.join(name), bytes).expect("a temporary file");
    }

    /// Compiles the configuration, and shows all there is to say about it.
    pub fn load(&self) -> Option<Loaded> {
        match tidegate_config::load(&self.path.join("tidegate.toml"), "node") {
            Ok(loaded) => {
                show(&loaded.warnings);
                assert!(!loaded.warnings.has_errors(), "compiled with errors");
                Some(loaded)
            }
            Err(findings) => {
                show(&findings);
                assert!(findings.has_errors(), "refused without an error");
                None
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Every finding can be shown, and is somewhere.
fn show(findings: &Diagnostics) {
    assert_eq!(findings.render(true).is_empty(), findings.is_empty());
    for finding in findings {
        assert!(finding.position().is_none_or(|(line, column)| line > 0 && column > 0));
        assert!(!finding.to_string().is_empty());
    }
}
