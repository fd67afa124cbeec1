//! Where manifests, and the files that they name, are read from: a file, a directory, or memory.

use crate::domain::publishing::problem::{Place, Problem};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// The largest file that a manifest may name, in bytes.
pub(super) const MAX_FILE: u64 = 20 * MEGABYTE;
/// The largest manifest, in bytes: an export in one file holds every description.
pub const MAX_MANIFEST: u64 = 128 * MEGABYTE;
pub(super) const MEGABYTE: u64 = 1024 * 1024;

/// Manifests to apply and the place where what they name is found.
#[derive(Debug)]
pub struct Input {
    /// Text of each manifest with the name to show for it.
    pub(super) manifests: Vec<(String, String)>,
    files: Files,
}

#[derive(Debug)]
enum Files {
    /// Below this directory.
    Disk(PathBuf),
    /// By name.
    Memory(BTreeMap<String, Vec<u8>>),
}

impl Input {
    /// A manifest, or a directory with manifests: its `*.yaml` and `*.yml` in the order of their names, without those
    /// that are OpenAPI files.
    pub fn from_path(path: &Path) -> Result<Self, Vec<Problem>> {
        let shown = path.display().to_string();
        let wrong = |message: String| vec![Problem { place: Some(Place::file(&shown)), message }];
        let kind = std::fs::metadata(path).map_err(|error| wrong(explain(&error)))?;
        if !kind.is_dir() {
            let text = read(path, MAX_MANIFEST).map_err(wrong)?;
            let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            return Ok(Self { manifests: vec![(shown.clone(), text)], files: Files::Disk(parent.to_owned()) });
        }
        let listed = std::fs::read_dir(path).map_err(|error| wrong(explain(&error)))?;
        let mut names: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
        names.retain(|name| is_yaml(name) && name.is_file());
        names.sort();
        let (mut manifests, mut problems) = (Vec::new(), Vec::new());
        for name in names {
            match read(&name, MAX_MANIFEST) {
                Ok(text) => manifests.push((name.display().to_string(), text)),
                Err(message) => {
                    let place = Place::file(&name.display().to_string());
                    problems.push(Problem { place: Some(place), message });
                }
            }
        }
        manifests.retain(|(_, text)| !is_description(text));
        if manifests.is_empty() && problems.is_empty() {
            return Err(wrong("there is no *.yaml or *.yml file with manifests in this directory".to_owned()));
        }
        if problems.is_empty() { Ok(Self { manifests, files: Files::Disk(path.to_owned()) }) } else { Err(problems) }
    }

    /// A manifest that is not a file; what it names is looked for below `directory`.
    pub fn from_bytes(name: &str, bytes: Vec<u8>, directory: &Path) -> Result<Self, Vec<Problem>> {
        let wrong = |message| vec![Problem { place: Some(Place::file(name)), message }];
        let text = utf8(bytes, MAX_MANIFEST).map_err(wrong)?;
        Ok(Self { manifests: vec![(name.to_owned(), text)], files: Files::Disk(directory.to_owned()) })
    }

    /// Files held in memory, by their paths relative to a directory that does not exist.
    pub fn from_memory(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, Vec<Problem>> {
        let files: BTreeMap<String, Vec<u8>> = files.into_iter().collect();
        let (mut manifests, mut problems) = (Vec::new(), Vec::new());
        for (name, bytes) in files.iter().filter(|(name, _)| !name.contains('/') && is_yaml(Path::new(name))) {
            match utf8(bytes.clone(), MAX_MANIFEST) {
                Ok(text) => manifests.push((name.clone(), text)),
                Err(message) => problems.push(Problem { place: Some(Place::file(name)), message }),
            }
        }
        manifests.retain(|(_, text)| !is_description(text));
        if problems.is_empty() { Ok(Self { manifests, files: Files::Memory(files) }) } else { Err(problems) }
    }

    /// The text of a file that a manifest names, with the name to show for it. The error says what to do.
    pub(super) fn referenced(&self, name: &str) -> Result<(String, String), String> {
        let (shown, bytes) = self.referenced_bytes(name, MAX_FILE)?;
        Ok((shown, utf8(bytes, MAX_FILE)?))
    }

    /// The same for a file that need not be text, of at most so many bytes.
    pub(super) fn referenced_bytes(&self, name: &str, most: u64) -> Result<(String, Vec<u8>), String> {
        let below = Path::new(name).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if name.is_empty() || name.contains('\0') || !below {
            let hint = "name a file in the manifest's directory or below it, by a relative path without `..`";
            return Err(hint.to_owned());
        }
        match &self.files {
            Files::Memory(files) => {
                let bytes = files.get(name).ok_or_else(|| format!("there is no file {name}"))?;
                Ok((name.to_owned(), within(bytes.clone(), most)?))
            }
            Files::Disk(directory) => {
                let path = directory.join(name);
                let real = |path: &Path| path.canonicalize().map_err(|error| explain(&error));
                // A link may lead out where the name does not.
                if !real(&path)?.starts_with(real(directory)?) {
                    return Err("this leads out of the manifest's directory; copy the file into it".to_owned());
                }
                // A pipe or a device might never end.
                if !path.is_file() {
                    return Err("this is not a file; name one".to_owned());
                }
                Ok((path.display().to_string(), read_bytes(&path, most)?))
            }
        }
    }
}

/// What stands in a manifest for a file has the limit of a file.
pub(super) fn inline(text: &str) -> Result<String, String> {
    utf8(text.as_bytes().to_vec(), MAX_FILE)
}

fn is_yaml(name: &Path) -> bool {
    name.extension().is_some_and(|e| e == "yaml" || e == "yml")
}

/// Whether a file is an OpenAPI description and no manifest: it says so at the start of a line, or of its JSON, and
/// has no `kind`.
fn is_description(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    let starts = |key: &str| {
        text.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':')))
    };
    let first = text.trim_start().strip_prefix('{').map_or("", |json| json.trim_start());
    let json = first.starts_with("\"openapi\"") || first.starts_with("\"swagger\"");
    json || ((starts("openapi") || starts("swagger")) && !starts("kind"))
}

fn read(path: &Path, most: u64) -> Result<String, String> {
    utf8(read_bytes(path, most)?, most)
}

fn read_bytes(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let file = std::fs::File::open(path).map_err(|error| explain(&error))?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| explain(&error))?;
    within(bytes, most)
}

fn within(bytes: Vec<u8>, most: u64) -> Result<Vec<u8>, String> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > most) {
        return Err(format!("this is larger than {} MB; make it smaller", most / MEGABYTE));
    }
    Ok(bytes)
}

fn utf8(bytes: Vec<u8>, most: u64) -> Result<String, String> {
    let bytes = within(bytes, most)?;
    String::from_utf8(bytes).map_err(|error| {
        format!("this is not UTF-8 (from byte {} on); save it as UTF-8", error.utf8_error().valid_up_to())
    })
}

fn explain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file; check its name".to_owned(),
        std::io::ErrorKind::PermissionDenied => "this may not be read; change its permissions".to_owned(),
        _ => format!("cannot read this: {error}"),
    }
}
