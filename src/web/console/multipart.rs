//! Forms with files (`multipart/form-data`, RFC 7578): read as browsers write them, written as browsers do.

use axum::body::Bytes;

/// Parts of one form, at most.
const MOST: usize = 1000;

/// A part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The field.
    pub name: String,
    /// What the file was called; none for a field that is no file.
    pub file: Option<String>,
    /// Its media type; empty where none is said.
    pub media: String,
    /// What it holds.
    pub bytes: Bytes,
}

/// The boundary that a media type names, if it is that of such a form.
pub fn boundary(media_type: &str) -> Option<&str> {
    let (essence, parameters) = media_type.split_once(';')?;
    let value = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="))?;
    let value = value.trim_matches('"');
    let is_form = essence.trim().eq_ignore_ascii_case("multipart/form-data");
    (is_form && !value.is_empty() && value.len() <= 70).then_some(value)
}

/// The parts of a form; none if it is not written as one.
pub fn read(body: &Bytes, boundary: &str) -> Option<Vec<Part>> {
    let finder = memchr::memmem::Finder::new(boundary.as_bytes());
    let open = format!("--{boundary}");
    let between = format!("\r\n{open}");
    let mut parts = Vec::new();
    let mut at = body.starts_with(open.as_bytes()).then_some(open.len())?;
    loop {
        match body.get(at..)? {
            rest if rest.starts_with(b"--") => return Some(parts),
            rest if rest.starts_with(b"\r\n") && parts.len() < MOST => at += 2,
            _ => return None,
        }
        let rest = body.get(at..)?;
        // A boundary without its line end before it belongs to the file.
        let end = finder
            .find_iter(rest)
            .filter_map(|found| found.checked_sub(4))
            .find(|start| rest.get(*start..).is_some_and(|rest| rest.starts_with(between.as_bytes())))?;
        parts.push(part(&body.slice(at..at + end))?);
        at += end + between.len();
    }
}

fn part(bytes: &Bytes) -> Option<Part> {
    let end = memchr::memmem::find(bytes, b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let (mut name, mut file, mut media) = (None, None, String::new());
    for line in head.split("\r\n") {
        let (header, value) = line.split_once(':')?;
        match &*header.to_ascii_lowercase() {
            "content-disposition" => (name, file) = (parameter(value, "name"), parameter(value, "filename")),
            "content-type" => value.trim().clone_into(&mut media),
            _ => {}
        }
    }
    Some(Part { name: name?, file, media, bytes: bytes.slice(end + 4..) })
}

/// Browsers write `"`, CR and LF within a value in percent-encoding, and nothing else.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    let (_, rest) = value.split_once(&format!("; {wanted}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
}

/// The form as bytes. The boundary must not be in any part: make it of randomness.
pub fn write(parts: &[Part], boundary: &str) -> Bytes {
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(&part.name)).as_bytes(),
        );
        if let Some(file) = &part.file {
            body.extend_from_slice(format!("; filename=\"{}\"", quoted(file)).as_bytes());
        }
        if !part.media.is_empty() {
            body.extend_from_slice(format!("\r\nContent-Type: {}", part.media).as_bytes());
        }
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(&part.bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body.into()
}

fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, file: Option<&str>, media: &str, bytes: &'static [u8]) -> Part {
        Part { name: name.to_owned(), file: file.map(str::to_owned), media: media.to_owned(), bytes: bytes.into() }
    }

    #[test]
    fn what_is_written_is_read_again_whatever_it_holds() {
        let parts = [
            part("a \"b\"\r\n", None, "", b""),
            part("file", Some("ü \"1\".png"), "image/png", b"\x00\r\n--XX\r\n\r\n--X"),
            part("meta", None, "application/json", b"{}"),
            part("empty", Some(""), "application/octet-stream", b"--XY\r\n"),
        ];
        let body = write(&parts, "XYZ");
        assert_eq!(read(&body, "XYZ").unwrap(), parts);
        assert_eq!(read(&write(&[], "X"), "X").unwrap(), []);
    }

    #[test]
    fn what_is_no_form_is_none() {
        for text in [
            "",
            "--X",
            "--X\r\n",
            "--X\r\nno header\r\n\r\nx\r\n--X--",
            "--X\r\nContent-Disposition: form-data\r\n\r\nx\r\n--X--",
            "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx",
            "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--Xmore",
            "before --X--",
        ] {
            assert_eq!(read(&Bytes::copy_from_slice(text.as_bytes()), "X"), None, "{text:?}");
        }
        let many = write(&vec![part("a", None, "", b""); MOST + 1], "X");
        assert_eq!(read(&many, "X"), None);
    }

    #[test]
    fn the_boundary_is_found_in_the_media_type() {
        assert_eq!(boundary("multipart/form-data; boundary=----WebKit1"), Some("----WebKit1"));
        assert_eq!(boundary("Multipart/Form-Data; charset=utf-8; boundary=\"a b\""), Some("a b"));
        for none in ["multipart/form-data", "multipart/mixed; boundary=a", "multipart/form-data; boundary=", "a/b"] {
            assert_eq!(boundary(none), None, "{none}");
        }
    }
}
