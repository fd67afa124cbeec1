//! What sends files and forms with files, in each language: for [`super::snippets`]. Files are those that were chosen, by
//! name; whoever copies the code puts the path there.

use crate::web::console::body::{Held, Part, Sent};
use crate::web::console::literals::{go, java, json, python, rust, shell};
use crate::web::console::prepare::Prepared;
use serde_json::Value;
use std::fmt::Write as _;

/// `-F` and what follows it: curl reads `;` and a leading `"` within, and `@` and `<` at the beginning.
pub(super) fn curl(part: &Part) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let media = if part.media.is_empty() { String::new() } else { format!(";type={}", part.media) };
    match &part.held {
        Held::Text(text) if media.is_empty() && (text.starts_with(['@', '<', '"']) || text.contains(';')) => {
            format!("--form-string {}", shell(&format!("{}={text}", part.name)))
        }
        Held::Text(text) if media.is_empty() => format!("-F {}", shell(&format!("{}={text}", part.name))),
        Held::Text(text) => format!("-F {}", shell(&format!("{}={}{media}", part.name, quoted(text)))),
        Held::File(file) => {
            let is_plain = !file.name.contains([',', ';', '"', '\\']) && file.name.trim() == file.name;
            let name = if is_plain { file.name.clone() } else { quoted(&file.name) };
            format!("-F {}", shell(&format!("{}=@{name}{media}", part.name)))
        }
    }
}

/// Lines before the call, and its body.
pub(super) fn javascript(call: &Prepared) -> (String, Option<String>) {
    let blob = |name: &str, media: &str| match media {
        "" => format!("await openAsBlob({})", json(name)),
        media => format!("await openAsBlob({}, {{ type: {} }})", json(name), json(media)),
    };
    let import = "import { openAsBlob } from \"node:fs\";\n\n";
    match &call.body {
        Some(Sent::File(file)) => (import.to_owned(), Some(blob(&file.name, ""))),
        Some(Sent::Form(parts)) => {
            let has_files = parts.iter().any(|part| matches!(part.held, Held::File(_)));
            let mut before = if has_files { import.to_owned() } else { String::new() };
            before.push_str("const form = new FormData();\n");
            for part in parts {
                let name = json(&part.name);
                let value = match &part.held {
                    Held::Text(text) if part.media.is_empty() => json(text),
                    Held::Text(text) => format!("new Blob([{}], {{ type: {} }})", json(text), json(&part.media)),
                    Held::File(file) => format!("{}, {}", blob(&file.name, &part.media), json(&file.name)),
                };
                let _ = writeln!(before, "form.append({name}, {value});");
            }
            (before + "\n", Some("form".to_owned()))
        }
        Some(Sent::Text(text)) => (String::new(), Some(json(text))),
        None => (String::new(), None),
    }
}

/// The arguments for the body.
pub(super) fn python_arguments(call: &Prepared, of_json: Option<Value>) -> String {
    match (&call.body, of_json) {
        (_, Some(value)) => format!("    json={},\n", python(&value, 1)),
        (Some(Sent::Text(text)), None) => format!("    data={}.encode(),\n", json(text)),
        (Some(Sent::File(file)), None) => format!("    data=open({}, \"rb\"),\n", json(&file.name)),
        (Some(Sent::Form(parts)), None) => {
            let mut text = "    files=[\n".to_owned();
            for part in parts {
                let (file, value) = match &part.held {
                    Held::Text(text) => ("None".to_owned(), json(text)),
                    Held::File(file) => (json(&file.name), format!("open({}, \"rb\")", json(&file.name))),
                };
                let media = if part.media.is_empty() { String::new() } else { format!(", {}", json(&part.media)) };
                let _ = writeln!(text, "        ({}, ({file}, {value}{media})),", json(&part.name));
            }
            text + "    ],\n"
        }
        (None, None) => String::new(),
    }
}

/// What a Go program needs for its body.
pub(super) struct Go {
    pub(super) imports: Vec<&'static str>,
    pub(super) before: String,
    pub(super) body: String,
    pub(super) after: &'static str,
    /// Functions below `main`.
    pub(super) functions: &'static str,
}

pub(super) fn go_body(call: &Prepared) -> Go {
    let plain = |imports, before, body| Go { imports, before, body, after: "", functions: "" };
    match &call.body {
        None => plain(vec!["fmt", "io", "net/http"], String::new(), "nil".to_owned()),
        Some(Sent::Text(text)) => {
            plain(vec!["fmt", "io", "net/http", "strings"], String::new(), format!("strings.NewReader({})", go(text)))
        }
        Some(Sent::File(file)) => plain(
            vec!["fmt", "io", "net/http", "os"],
            format!("\tfile, err := os.Open({})\n\tif err != nil {{\n\t\tpanic(err)\n\t}}\n", json(&file.name)),
            "file".to_owned(),
        ),
        Some(Sent::Form(parts)) => {
            let mut before = "\tvar form bytes.Buffer\n\tparts := multipart.NewWriter(&form)\n".to_owned();
            for part in parts {
                let (name, media) = (json(&part.name), json(&part.media));
                let _ = match &part.held {
                    Held::Text(text) => writeln!(before, "\tadd(parts, {name}, \"\", {media}, []byte({}))", go(text)),
                    Held::File(file) => {
                        let file = json(&file.name);
                        writeln!(before, "\tadd(parts, {name}, {file}, {media}, read({file}))")
                    }
                };
            }
            before.push_str("\tparts.Close()\n");
            Go {
                imports: vec!["bytes", "fmt", "io", "mime/multipart", "net/http", "net/textproto", "os"],
                before,
                body: "&form".to_owned(),
                after: "\trequest.Header.Set(\"content-type\", parts.FormDataContentType())\n",
                functions: GO_FUNCTIONS,
            }
        }
    }
}

const GO_FUNCTIONS: &str = r#"

func read(file string) []byte {
	content, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	return content
}

func add(parts *multipart.Writer, name, file, media string, content []byte) {
	head := textproto.MIMEHeader{}
	head.Set("Content-Disposition", fmt.Sprintf("form-data; name=%q", name))
	if file != "" {
		head.Set("Content-Disposition", fmt.Sprintf("form-data; name=%q; filename=%q", name, file))
	}
	if file != "" && media == "" {
		media = "application/octet-stream"
	}
	if media != "" {
		head.Set("Content-Type", media)
	}
	part, err := parts.CreatePart(head)
	if err != nil {
		panic(err)
	}
	part.Write(content)
}"#;

/// What a Java program needs for its body: imports, lines before the request, its publisher.
pub(super) fn java_body(call: &Prepared) -> (&'static str, String, String) {
    let publisher = |what: &str| format!("HttpRequest.BodyPublishers.{what}");
    match &call.body {
        None => ("", String::new(), publisher("noBody()")),
        Some(Sent::Text(text)) => ("", String::new(), publisher(&format!("ofString({})", java(text)))),
        Some(Sent::File(file)) => {
            let path = format!("ofFile(Path.of({}))", json(&file.name));
            ("import java.nio.file.Path;\n", String::new(), publisher(&path))
        }
        Some(Sent::Form(parts)) => {
            let mut before =
                "var boundary = \"form-\" + UUID.randomUUID();\nvar form = new ByteArrayOutputStream();\n".to_owned();
            for part in parts {
                let mut head = format!("form-data; name=\"{}\"", escaped(&part.name));
                let mut media = part.media.as_str();
                if let Held::File(file) = &part.held {
                    let _ = write!(head, "; filename=\"{}\"", escaped(&file.name));
                    media = if media.is_empty() { "application/octet-stream" } else { media };
                }
                let media = if media.is_empty() { String::new() } else { format!("\r\nContent-Type: {media}") };
                let head = json(&format!("\r\nContent-Disposition: {head}{media}\r\n\r\n"));
                let _ = writeln!(before, "form.write((\"--\" + boundary + {head}).getBytes());");
                let _ = match &part.held {
                    Held::Text(text) => writeln!(before, "form.write({}.getBytes());", json(text)),
                    Held::File(file) => {
                        writeln!(before, "form.write(Files.readAllBytes(Path.of({})));", json(&file.name))
                    }
                };
                before.push_str("form.write(\"\\r\\n\".getBytes());\n");
            }
            before.push_str("form.write((\"--\" + boundary + \"--\\r\\n\").getBytes());\n\n");
            let imports = "import java.io.ByteArrayOutputStream;\nimport java.nio.file.Files;\nimport java.nio.file.Path;\n\
                           import java.util.UUID;\n";
            (imports, before, publisher("ofByteArray(form.toByteArray())"))
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// Lines before the request of a Rust program, and the line for its body.
pub(super) fn rust_body(call: &Prepared) -> (String, String) {
    match &call.body {
        None => (String::new(), String::new()),
        Some(Sent::Text(text)) => (String::new(), format!("        .body({})\n", rust(text))),
        Some(Sent::File(file)) => {
            (String::new(), format!("        .body(std::fs::File::open({})?)\n", rust(&file.name)))
        }
        Some(Sent::Form(parts)) => {
            let mut before = "    let form = multipart::Form::new()".to_owned();
            for part in parts {
                let name = rust(&part.name);
                let _ = match (&part.held, &*part.media) {
                    (Held::Text(text), "") => write!(before, "\n        .text({name}, {})", rust(text)),
                    (Held::File(file), "") => write!(before, "\n        .file({name}, {})?", rust(&file.name)),
                    (Held::Text(text), media) => {
                        let part = format!("multipart::Part::text({}).mime_str({})?", rust(text), rust(media));
                        write!(before, "\n        .part({name}, {part})")
                    }
                    (Held::File(file), media) => {
                        let part = format!("multipart::Part::file({})?.mime_str({})?", rust(&file.name), rust(media));
                        write!(before, "\n        .part({name}, {part})")
                    }
                };
            }
            (before + ";\n", "        .multipart(form)\n".to_owned())
        }
    }
}
