//! A call as code in six languages, printed by the server with the viewer's own URL and header, and a placeholder for the
//! credential: keys in copied text leak.

use crate::web::console::literals::{go, java, json, python, rust, shell};
use crate::web::console::prepare::Prepared;
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
    if let Some(body) = &call.body {
        let _ = write!(text, " \\\n  --data-raw {}", shell(body));
    }
    text
}

fn javascript(call: &Prepared) -> String {
    let mut text = format!("const response = await fetch({}, {{\n  method: {},\n", json(&call.url), json(&call.method));
    if !call.headers.is_empty() {
        text.push_str("  headers: {\n");
        for (name, value) in &call.headers {
            let _ = writeln!(text, "    {}: {},", json(name), json(value));
        }
        text.push_str("  },\n");
    }
    match (&call.body, json_of(call)) {
        (_, Some(value)) => {
            let value = serde_json::to_string_pretty(&value).unwrap_or_default().replace('\n', "\n  ");
            let _ = writeln!(text, "  body: JSON.stringify({value}),");
        }
        (Some(body), None) => {
            let _ = writeln!(text, "  body: {},", json(body));
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
    match (&call.body, json_of(call)) {
        (_, Some(value)) => {
            let _ = writeln!(text, "    json={},", python(&value, 1));
        }
        (Some(body), None) => {
            let _ = writeln!(text, "    data={}.encode(),", json(body));
        }
        (None, None) => {}
    }
    text.push_str(")\nprint(response.status_code, response.text)");
    text
}

fn go_code(call: &Prepared) -> String {
    let body = call.body.as_ref().map(|body| format!("strings.NewReader({})", go(body)));
    let imports = if body.is_some() {
        "\t\"fmt\"\n\t\"io\"\n\t\"net/http\"\n\t\"strings\""
    } else {
        "\t\"fmt\"\n\t\"io\"\n\t\"net/http\""
    };
    let body = body.as_deref().unwrap_or("nil");
    let mut text = format!(
        "package main\n\nimport (\n{imports}\n)\n\nfunc main() {{\n\trequest, err := http.NewRequest({}, {}, {body})\n\
         \tif err != nil {{\n\t\tpanic(err)\n\t}}\n",
        json(&call.method),
        json(&call.url)
    );
    for (name, value) in &call.headers {
        let _ = writeln!(text, "\trequest.Header.Set({}, {})", json(name), json(value));
    }
    text.push_str(
        "\tresponse, err := http.DefaultClient.Do(request)\n\tif err != nil {\n\t\tpanic(err)\n\t}\n\
         \tdefer response.Body.Close()\n\tbody, _ := io.ReadAll(response.Body)\n\tfmt.Println(response.Status, string(body))\n}",
    );
    text
}

fn java_code(call: &Prepared) -> String {
    let mut text = format!(
        "import java.net.URI;\nimport java.net.http.HttpClient;\nimport java.net.http.HttpRequest;\n\
         import java.net.http.HttpResponse.BodyHandlers;\n\nvar request = HttpRequest.newBuilder(URI.create({}))\n",
        json(&call.url)
    );
    for (name, value) in &call.headers {
        let _ = writeln!(text, "    .header({}, {})", json(name), json(value));
    }
    let publisher = call.body.as_ref().map_or_else(
        || "HttpRequest.BodyPublishers.noBody()".to_owned(),
        |body| format!("HttpRequest.BodyPublishers.ofString({})", java(body)),
    );
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
    let mut text = format!(
        "// reqwest = {{ version = \"0.12\", features = [\"blocking\"] }}\nfn main() -> Result<(), reqwest::Error> {{\n    \
         let response = reqwest::blocking::Client::new()\n        {method}\n"
    );
    for (name, value) in &call.headers {
        let _ = writeln!(text, "        .header({}, {})", rust(name), rust(value));
    }
    if let Some(body) = &call.body {
        let _ = writeln!(text, "        .body({})", rust(body));
    }
    text.push_str("        .send()?;\n    println!(\"{} {}\", response.status(), response.text()?);\n    Ok(())\n}");
    text
}

/// The body as JSON, where it says that it is and reads as such, and nothing is lost on the way.
fn json_of(call: &Prepared) -> Option<Value> {
    let is_json = |(name, value): &(String, String)| {
        name.eq_ignore_ascii_case("content-type") && crate::domain::catalog::reference_model::is_json(value)
    };
    let body = call.body.as_deref().filter(|_| call.headers.iter().any(is_json))?;
    serde_json::from_str(body).ok()
}
