//! PEM files (RFC 7468): certificates and keys, told apart by their labels.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::{PemObject, SectionKind};

/// Most bytes of a file with certificates or keys. All the authorities of a browser are a quarter of a MiB.
pub(super) const FILE_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// Most files of a folder that are looked at.
const FILES_MAX: usize = 1_024;
/// What the files of a folder are called that are looked at.
const EXTENSIONS: [&str; 5] = ["pem", "crt", "cer", "key", "cert"];

/// What a file holds.
#[derive(Debug)]
pub(super) struct PemFile {
    pub(super) path: PathBuf,
    /// Certificates in DER, in the order of the file.
    pub(super) certificates: Vec<Vec<u8>>,
    /// Private keys in DER.
    pub(super) keys: Vec<Vec<u8>>,
    /// Whether everybody on this machine may read it.
    pub(super) is_public: bool,
}

/// Reads a file, or those of a folder that are called like certificates and keys. The error says what is wrong.
pub(super) fn read(path: &Path) -> Result<Vec<PemFile>, String> {
    let cannot = |error| format!("cannot read {}: {error}", path.display());
    if !fs::metadata(path).map_err(cannot)?.is_dir() {
        return Ok(vec![read_file(path)?]);
    }
    let mut paths: Vec<PathBuf> = fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(cannot)?;
    paths.retain(|path| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
    });
    if paths.len() > FILES_MAX {
        return Err(format!("{} has more than {FILES_MAX} certificates and keys", path.display()));
    }
    paths.sort();
    paths.iter().map(|path| read_file(path)).collect()
}

/// Reads the bytes of a file that is not too large.
pub(super) fn read_bytes(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let cannot = |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", path.display());
    let length = fs::metadata(path).map_err(|error| cannot(&error))?.len();
    if length > bytes_max {
        return Err(cannot(&format!("it has more than {bytes_max} bytes")));
    }
    fs::read(path).map_err(|error| cannot(&error))
}

fn read_file(path: &Path) -> Result<PemFile, String> {
    let bytes = read_bytes(path, FILE_BYTES_MAX)?;
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    let mut file = PemFile {
        path: path.to_owned(),
        certificates: Vec::new(),
        keys: Vec::new(),
        is_public: mode & 0o004 != 0,
    };
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(&bytes) {
        let (kind, der) = section.map_err(|_| format!("{} is not PEM", path.display()))?;
        match kind {
            SectionKind::Certificate => file.certificates.push(der),
            _ => {
                if let Some(key) = PrivateKeyDer::from_pem(kind, der) {
                    file.keys.push(key.secret_der().to_vec());
                }
            }
        }
    }
    Ok(file)
}
