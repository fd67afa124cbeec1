//! `documents` of an API in a manifest: Markdown, links, and files to download.

use crate::domain::catalog::model::{Document, DocumentContent, DocumentFile};
use crate::domain::publishing::fields::{Fields, shown};
use crate::domain::publishing::files::{Input, MEGABYTE};
use crate::domain::publishing::manifest::{checked, optional};
use crate::domain::publishing::manifest_api::{MAX_MARKDOWN, unique};
use crate::domain::publishing::problem::{At, Problems};
use crate::domain::publishing::rules;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// How many documents an API may have: a list that people still read.
const MOST: usize = 50;
/// The largest file to download, in bytes.
const MAX_DOWNLOAD: u64 = 5 * MEGABYTE;
/// Characters of base64 on a line of an export.
const LINE: usize = 76;

/// What may be downloaded, by the end of its name. None of it is anything that a browser would run; it is served as a
/// download all the same.
const KINDS: [(&str, &str); 15] = [
    ("pdf", "application/pdf"),
    ("txt", "text/plain; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("json", "application/json"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
    ("gz", "application/gzip"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
];

/// Reads them, in order.
pub(super) fn documents(input: &Input, fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<Document> {
    let mut names = Vec::new();
    let mut documents = Vec::new();
    for item in fields.list("documents", problems).unwrap_or_default() {
        let place = item.place.clone();
        let Some(mut fields) = Fields::open(item.value, item.place, problems) else {
            continue;
        };
        if names.len() == MOST {
            problems.add(&place, format!("is one document too many; {MOST} are enough"));
        }
        let name = fields.required("name", "getting-started", problems);
        let name = checked(name, rules::slug, problems);
        let title = optional(fields.text("title", problems), |t| rules::line(t, 100), problems);
        let content = content(input, &mut fields, problems);
        fields.close(problems);
        let (Some(name), Some(content)) = (name, content) else { continue };
        let title = title.unwrap_or_else(|| name.value.clone());
        documents.push(Document { name: name.value.clone(), title, content });
        names.push(name);
    }
    unique(names.iter(), problems);
    documents
}

/// The one of `body`, `file`, `link` and `base64` that is there.
fn content(input: &Input, fields: &mut Fields<'_>, problems: &mut Problems) -> Option<DocumentContent> {
    let place = fields.place().clone();
    let body = fields.text("body", problems);
    let file = fields.text("file", problems);
    let link = fields.text("link", problems);
    let base64 = fields.text("base64", problems);
    let file_name = fields.text("file_name", problems);
    match (body, file, link, base64) {
        (Some(body), None, None, None) => markdown(body, problems),
        (None, Some(file), None, None) if is_markdown(&file.value) => {
            let text = checked(Some(file), |name| input.referenced(name).map(|(_, text)| text), problems)?;
            markdown(text, problems)
        }
        (None, Some(file), None, None) => {
            let (name, media_type) = checked(Some(file.clone()), |path| kind_of(last(path)), problems)?.value;
            let read = |path: &str| input.referenced_bytes(path, MAX_DOWNLOAD).map(|(_, bytes)| bytes);
            let bytes = checked(Some(file), read, problems)?.value;
            Some(download(name, media_type, bytes))
        }
        (None, None, Some(link), None) => {
            Some(DocumentContent::Link(checked(Some(link), rules::web_link, problems)?.value))
        }
        (None, None, None, Some(base64)) => {
            let Some(file_name) = file_name else {
                problems.add(&base64.place, "needs `file_name` beside it, such as `file_name: guide.pdf`");
                return None;
            };
            let (name, media_type) = checked(Some(file_name), kind_of, problems)?.value;
            let bytes = checked(Some(base64), decoded, problems)?.value;
            Some(download(name, media_type, bytes))
        }
        (None, None, None, None) => {
            let what = "takes `file: docs/….md`, the Markdown itself as `body`, a `link`, or a file to download";
            problems.add(&place, what);
            None
        }
        _ => {
            problems.add(&place, "is one thing: keep one of `body`, `file`, `link` and `base64`");
            None
        }
    }
}

fn markdown(text: At<String>, problems: &mut Problems) -> Option<DocumentContent> {
    let text = checked(Some(text), |text| rules::markdown(text, MAX_MARKDOWN), problems)?;
    Some(DocumentContent::Markdown(text.value))
}

fn download(file_name: String, media_type: &str, bytes: Vec<u8>) -> DocumentContent {
    let digest = Sha256::digest(&bytes).into();
    DocumentContent::File(DocumentFile { file_name, media_type: media_type.to_owned(), digest, bytes: Some(bytes) })
}

/// Files without an ending were always read as Markdown.
fn is_markdown(path: &str) -> bool {
    last(path).rsplit_once('.').is_none_or(|(_, end)| ["md", "markdown"].iter().any(|m| end.eq_ignore_ascii_case(m)))
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A name that fits any header and any disk, with what its end says it is.
fn kind_of(name: &str) -> Result<(String, &'static str), String> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.len() > 100 || name.starts_with('.') || !name.chars().all(harmless) {
        let what = "the name of a file to download has 1 to 100 letters, digits, dots, hyphens and underscores";
        return Err(format!("`{}` cannot be used: {what}", shown(name)));
    }
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    let kind = KINDS.iter().find(|(known, _)| end.eq_ignore_ascii_case(known)).map(|(_, media_type)| *media_type);
    let known = || KINDS.map(|(end, _)| end).join(", ");
    kind.map(|kind| (name.to_owned(), kind))
        .ok_or_else(|| format!("`{}` must be Markdown (md), or end in one of: {}", shown(name), known()))
}

fn decoded(text: &str) -> Result<Vec<u8>, String> {
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let most = usize::try_from(MAX_DOWNLOAD).unwrap_or(usize::MAX);
    if text.len() / 4 * 3 > most + 2 {
        return Err(format!("this is larger than {} MB; make it smaller", MAX_DOWNLOAD / MEGABYTE));
    }
    STANDARD
        .decode(text)
        .map_err(|_why| "this is not base64; write the file's bytes as `base64` prints them".to_owned())
}

/// Bytes as an export writes them.
pub(super) fn wrapped(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut lines = String::with_capacity(text.len() + text.len() / LINE + 1);
    for (place, c) in text.chars().enumerate() {
        if place > 0 && place.is_multiple_of(LINE) {
            lines.push('\n');
        }
        lines.push(c);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_might_run_is_no_document() {
        for name in ["a.html", "a.svg", "a.js", "a.exe", "a", ".pdf", "a b.pdf", "a\".pdf", "ä.pdf", "a.pdf.html"] {
            assert!(kind_of(name).is_err(), "{name}");
        }
        assert_eq!(kind_of("Guide_1-2.PDF"), Ok(("Guide_1-2.PDF".to_owned(), "application/pdf")));
    }

    #[test]
    fn bytes_come_back_from_an_export() {
        for length in [0, 1, 56, 57, 58, 1000] {
            let bytes: Vec<u8> = (0..length).map(|n: u32| u8::try_from(n % 251).unwrap()).collect();
            assert_eq!(decoded(&wrapped(&bytes)), Ok(bytes));
        }
    }
}
