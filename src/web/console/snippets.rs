//! A call as code in six languages, printed by the server with the viewer's own URL and header, and a placeholder for the
//! credential: keys in copied text leak.

use crate::web::console::body::Sent;
use crate::web::console::literals::{json, rust, shell};
use crate::web::console::prepare::Prepared;
use crate::web::console::upload_snippets::{self, Go};
use serde_json::Value;
use std::fmt::Write as _;

/// Code in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// The language, for people.
    pub language: &'static str,
    /// The code.
    pub text: String,
}

/// The languages, in order.
type Printer = fn(&Prepared) -> String;
const LANGUAGES: [(&str, Printer); 6] = [
    ("cURL", curl),
    ("JavaScript", javascript),
    ("Python", python_code),
    ("Go", go_code),
    ("Java", java_code),
    ("Rust", rust_code),
];

/// The call in all of them. Its headers hold placeholders for credentials, and no secret.
pub fn all(call: &Prepared) -> Vec<Snippet> {
    LANGUAGES.iter().map(|(language, print)| Snippet { language, text: print(call) }).collect()
}

fn curl(call: &Prepared) -> String {
    let mut text = format!("curl -X {} {}", call.method, shell(&call.url));
    for (name, value) in &call.headers {
        let _ = write!(text, " \\\n  -H {}", shell(&format!("{name}: {value}")));
    }
    match &call.body {
        None => {}
        Some(Sent::Text(body)) => {
            let _ = write!(text, " \\\n  --data-raw {}", shell(body));
        }
        Some(Sent::File(file)) => {
            let _ = write!(text, " \\\n  --data-binary {}", shell(&format!("@{}", file.name)));
        }
        Some(Sent::Form(parts)) => {
            for part in parts {
                let _ = write!(text, " \\\n  {}", upload_snippets::curl(part));
            }
        }
    }
    text
}

fn javascript(call: &Prepared) -> String {
    let (before, body) = upload_snippets::javascript(call);
    let mut text =
        format!("{before}const response = await fetch({}, {{\n  method: {},\n", json(&call.url), json(&call.method));
    if !call.headers.is_empty() {
        text.push_str("  headers: {\n");
        for (name, value) in &call.headers {
            let _ = writeln!(text, "    {}: {},", json(name), json(value));
        }
        text.push_str("  },\n");
    }
    match (body, json_of(call)) {
        (_, Some(value)) => {
            let value = serde_json::to_string_pretty(&value).unwrap_or_default().replace('\n', "\n  ");
            let _ = writeln!(text, "  body: JSON.stringify({value}),");
        }
        (Some(body), None) => {
            let _ = writeln!(text, "  body: {body},");
        }
        (None, None) => {}
    }
    text.push_str("});\nconsole.log(response.status, await response.text());");
    text
}

fn python_code(call: &Prepared) -> String {
    let mut text = format!(
        "import requests\n\nresponse = requests.request(\n    {},\n    {},\n",
        json(&call.method),
        json(&call.url)
    );
    if !call.headers.is_empty() {
        text.push_str("    headers={\n");
        for (name, value) in &call.headers {
            let _ = writeln!(text, "        {}: {},", json(name), json(value));
        }
        text.push_str("    },\n");
    }
    text.push_str(&upload_snippets::python_arguments(call, json_of(call)));
    text.push_str(")\nprint(response.status_code, response.text)");
    text
}

fn go_code(call: &Prepared) -> String {
    let Go { imports, before, body, after, functions } = upload_snippets::go_body(call);
    let imports: Vec<String> = imports.iter().map(|import| format!("\t\"{import}\"\n")).collect();
    // A file that was opened has declared `err` already, and `request` is new all the same.
    let mut text = format!(
        "package main\n\nimport (\n{})\n\nfunc main() {{\n{before}\trequest, err := http.NewRequest({}, {}, {body})\n\
         \tif err != nil {{\n\t\tpanic(err)\n\t}}\n",
        imports.concat(),
        json(&call.method),
        json(&call.url)
    );
    for (name, value) in &call.headers {
        let _ = writeln!(text, "\trequest.Header.Set({}, {})", json(name), json(value));
    }
    text.push_str(after);
    text.push_str(
        "\tresponse, err := http.DefaultClient.Do(request)\n\tif err != nil {\n\t\tpanic(err)\n\t}\n\
         \tdefer response.Body.Close()\n\tbody, _ := io.ReadAll(response.Body)\n\tfmt.Println(response.Status, string(body))\n}",
    );
    text.push_str(functions);
    text
}

fn java_code(call: &Prepared) -> String {
    let (imports, before, publisher) = upload_snippets::java_body(call);
    let mut text = format!(
        "{imports}import java.net.URI;\nimport java.net.http.HttpClient;\nimport java.net.http.HttpRequest;\n\
         import java.net.http.HttpResponse.BodyHandlers;\n\n{before}var request = HttpRequest.newBuilder(URI.create({}))\n",
        json(&call.url)
    );
    for (name, value) in &call.headers {
        let _ = writeln!(text, "    .header({}, {})", json(name), json(value));
    }
    if let Some(Sent::Form(_)) = call.body {
        text.push_str("    .header(\"content-type\", \"multipart/form-data; boundary=\" + boundary)\n");
    }
    let _ = writeln!(text, "    .method({}, {publisher})\n    .build();", json(&call.method));
    text.push_str(
        "var response = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());\n\
         System.out.println(response.statusCode() + \" \" + response.body());",
    );
    text
}

fn rust_code(call: &Prepared) -> String {
    let method = match &*call.method {
        "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" => {
            format!(".{}({})", call.method.to_lowercase(), rust(&call.url))
        }
        method => format!(".request(reqwest::Method::{method}, {})", rust(&call.url)),
    };
    let (before, body) = upload_snippets::rust_body(call);
    let (features, import, error) = match call.body {
        Some(Sent::Form(_)) => {
            ("\"blocking\", \"multipart\"", "use reqwest::blocking::multipart;\n\n", "Box<dyn std::error::Error>")
        }
        Some(Sent::File(_)) => ("\"blocking\"", "", "Box<dyn std::error::Error>"),
        _ => ("\"blocking\"", "", "reqwest::Error"),
    };
    let mut text = format!(
        "// reqwest = {{ version = \"0.12\", features = [{features}] }}\n{import}fn main() -> Result<(), {error}> {{\n{before}    \
         let response = reqwest::blocking::Client::new()\n        {method}\n"
    );
    for (name, value) in &call.headers {
        let _ = writeln!(text, "        .header({}, {})", rust(name), rust(value));
    }
    text.push_str(&body);
    text.push_str("        .send()?;\n    println!(\"{} {}\", response.status(), response.text()?);\n    Ok(())\n}");
    text
}

/// The body as JSON, where it says that it is and reads as such, and nothing is lost on the way.
fn json_of(call: &Prepared) -> Option<Value> {
    let is_json = |(name, value): &(String, String)| {
        name.eq_ignore_ascii_case("content-type") && crate::domain::catalog::reference_model::is_json(value)
    };
    match &call.body {
        Some(Sent::Text(body)) if call.headers.iter().any(is_json) => serde_json::from_str(body).ok(),
        _ => None,
    }
}
