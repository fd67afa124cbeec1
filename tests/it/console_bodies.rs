//! Bodies that are forms and files: what the console has for them, and what of it arrives at the backend, with a script and
//! without.

use crate::console::ask;
use crate::pages::{faults, sign_in};
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::http::{self, Answer};
use crate::support::upstream::{Seen, Upstream};
use crate::support::visitor::Visitor;
use crate::support::{db, make};
use portico::web::console::multipart::{self, Part};
use serde_json::json;

const CALLS: &str = "/apis/media/v1/calls";
const FILE: &str = r#"
openapi: 3.1.0
info: {title: Media, version: "1"}
paths:
  /photos:
    post:
      operationId: addPhoto
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema:
              type: object
              required: [title, photo]
              properties:
                id: {type: string, readOnly: true}
                title: {type: string, examples: [Sea]}
                kind: {enum: [holiday, work]}
                tags: {type: array, items: {type: string}}
                place: {type: object, properties: {country: {type: string}}}
                photo: {type: string, contentMediaType: image/png}
                more: {type: array, items: {type: string, format: binary}}
                note: {type: string}
            encoding: {note: {contentType: text/markdown}}
      responses: {"201": {description: Added}}
  /photos/{id}/content:
    put:
      operationId: replacePhoto
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      requestBody: {required: true, content: {application/octet-stream: {schema: {type: string, format: binary}}}}
      responses: {"204": {description: Replaced}}
  /avatar:
    put:
      operationId: setAvatar
      requestBody: {content: {"image/*": {}}}
      responses: {"204": {description: Set}}
  /orders:
    post:
      operationId: orderPrints
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [size]
              properties:
                size: {enum: [small, large]}
                copies: {type: integer, default: 1}
                to: {type: array, items: {type: string}}
                gift: {type: object, properties: {words: {type: string}}}
                frame: {type: object, properties: {wood: {type: string}}}
            encoding: {frame: {style: deepObject, explode: true}}
      responses: {"201": {description: Ordered}}
  /albums:
    post:
      operationId: addAlbum
      requestBody:
        required: true
        content:
          multipart/form-data: {schema: {type: object, properties: {name: {type: string}, cover: {type: string, format: binary}}}}
          application/json: {schema: {type: object, properties: {name: {type: string}}}}
      responses: {"201": {description: Added}}
  /mail:
    post:
      operationId: sendMail
      requestBody: {content: {multipart/mixed: {schema: {type: object, properties: {a: {type: string}}}}}}
      responses: {"202": {description: Sent}}
"#;

async fn start() -> (TestApp, Upstream) {
    let app = TestApp::start().await;
    let upstream = Upstream::start().await;
    let lines: Vec<String> = FILE.lines().map(|line| format!("      {line}")).collect();
    let backend = upstream.url("");
    let manifest = format!(
        "kind: api\nname: media\ntitle: Media\ncontext: media\nvisibility: public\nplans: [bronze]\nversions:\n  \
         - version: \"1.0\"\n    openapi_source: |\n{}\n    backends: {{production: \"{backend}\", sandbox: \"{backend}\"}}\n",
        lines.join("\n")
    );
    make::publish(&app, &manifest).await;
    make::developer(&app, "ada").await;
    (app, upstream)
}

fn part(name: &str, file: Option<&str>, media: &str, bytes: &[u8]) -> Part {
    let bytes = bytes.to_vec().into();
    Part { name: name.to_owned(), file: file.map(str::to_owned), media: media.to_owned(), bytes }
}

/// The parts that arrived.
fn parts(seen: &Seen) -> Vec<Part> {
    let boundary = multipart::boundary(seen.header("content-type")).expect("a form with files");
    multipart::read(&seen.body, boundary).expect("a form as browsers write it")
}

/// Posts a form as a browser without a script does.
async fn post(app: &TestApp, visitor: &Visitor, parts: &[Part]) -> Answer {
    let cookie = format!("portico-session={}", visitor.cookie("portico-session").unwrap());
    let origin = app.portal("");
    let headers = [
        ("cookie", cookie.as_str()),
        ("origin", origin.as_str()),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "multipart/form-data; boundary=----1234"),
    ];
    http::send(::http::Method::POST, &app.portal(CALLS), &headers, multipart::write(parts, "----1234")).await
}

/// The fields that are on every form of the console.
fn of(operation: &str) -> Vec<Part> {
    let fields = [("endpoint", "default"), ("operation", operation), ("environment", "sandbox"), ("application", "")];
    fields.map(|(name, value)| part(name, None, "", value.as_bytes())).into()
}

#[tokio::test]
async fn the_form_has_a_field_for_each_part_and_the_portal_sends_them_on() {
    let (app, upstream) = start().await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open("/apis/media/v1/reference/default/add-photo").await;
    assert_eq!(page.attributes("form[data-tryit]", "enctype"), ["multipart/form-data"]);
    assert_eq!(page.attributes("[type=file]", "name"), ["part.photo", "part.more"]);
    assert_eq!(page.attributes("[type=file][multiple]", "name"), ["part.more"]);
    assert_eq!(page.attributes("form[data-tryit] textarea", "name"), ["part.place"]);
    assert_eq!(page.attributes("form[data-tryit] [required]", "name"), ["part.title", "part.photo"]);
    let names = page.attributes("form[data-tryit] [name]", "name");
    assert!(names.contains(&"part.kind".to_owned()) && !names.contains(&"part.id".to_owned()), "{names:?}");

    let png = b"\x89PNG\r\n\x1a\n\x00--";
    let mut form = of("add-photo");
    form.extend([
        part("part.title", None, "", "Süß \"1\"\r\n".as_bytes()),
        part("part.kind", None, "", b""),
        part("part.tags", None, "", b"sea, sun"),
        part("part.place", None, "", b"{\"country\": \"IT\"}"),
        part("part.photo", Some("a \"b\".png"), "image/png", png),
        part("part.more", Some("one.txt"), "text/plain", b"1"),
        part("part.more", Some("two"), "", b"2"),
        part("part.note", None, "", b"*hi*"),
    ]);
    let answer = post(&app, &visitor, &form).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        parts(&upstream.only()),
        [
            part("title", None, "", "Süß \"1\"\n".as_bytes()),
            part("tags", None, "", b"sea"),
            part("tags", None, "", b"sun"),
            part("place", None, "application/json", b"{\"country\": \"IT\"}"),
            part("photo", Some("a \"b\".png"), "image/png", png),
            part("more", Some("one.txt"), "text/plain", b"1"),
            part("more", Some("two"), "application/octet-stream", b"2"),
            part("note", None, "text/markdown", b"*hi*"),
        ]
    );
    let shown = answer.text();
    assert!(
        shown.contains("Choose it again: a page cannot keep a file.") && shown.contains("-F &#39;title="),
        "{shown}"
    );

    // What is missing stands beside its field, and nothing is sent; a field without a chosen file is sent by browsers too.
    let mut form = of("add-photo");
    form.push(part("part.photo", Some(""), "application/octet-stream", b""));
    let answer = post(&app, &visitor, &form).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text().contains("Enter a value for title."), "{}", answer.text());
    assert!(answer.text().contains("Choose a file for photo."));
    // A file as the whole body, of its own media type where the operation takes any.
    let mut form = of("replace-photo");
    form.extend([part("path.id", None, "", b"7"), part("file", Some("x.png"), "image/png", png)]);
    assert_eq!(post(&app, &visitor, &form).await.status, 200);
    let seen = upstream.last();
    assert_eq!((seen.header("content-type"), &seen.body[..]), ("application/octet-stream", &png[..]));
    let mut form = of("set-avatar");
    form.push(part("file", Some("x.png"), "image/png", png));
    assert_eq!(post(&app, &visitor, &form).await.status, 200);
    assert_eq!(upstream.last().header("content-type"), "image/png");
    assert_eq!(upstream.seen().len(), 3);
    let page = visitor.open("/apis/media/v1/reference/default/send-mail").await;
    page.assert_shows("The body of this operation is of a kind that only a program can send.");
}

#[tokio::test]
async fn the_portal_carries_files_up_to_a_bound_and_says_so() {
    let (app, upstream) = start().await;
    let visitor = Visitor::signed_in(&app, "ada").await;
    let sized = |bytes: usize| {
        let mut form = of("replace-photo");
        form.extend([part("path.id", None, "", b"7"), part("file", Some("big"), "", &vec![7; bytes])]);
        form
    };
    let five = 5 * 1024 * 1024;
    assert_eq!(post(&app, &visitor, &sized(five)).await.status, 200);
    assert_eq!(upstream.only().body.len(), five);
    let answer = post(&app, &visitor, &sized(five + 1024 * 1024)).await;
    assert_eq!(answer.status, 413);
    assert!(answer.text().contains("That file is too large") && answer.text().contains("5 MiB at most"));
    // What is no form is told too, and a stranger's files are not read at all.
    let broken = "--x\r\nnonsense";
    let cookie = format!("portico-session={}", visitor.cookie("portico-session").unwrap());
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "multipart/form-data; boundary=x")];
    let with_cookie: Vec<_> = headers.iter().copied().chain([("cookie", cookie.as_str())]).collect();
    let url = app.portal(CALLS);
    assert_eq!(http::send(::http::Method::POST, &url, &with_cookie, broken).await.status, 400);
    assert_eq!(http::send(::http::Method::POST, &url, &headers, broken).await.status, 303);
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn fields_in_pairs_are_written_as_the_file_says() {
    let (app, upstream) = start().await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open("/apis/media/v1/reference/default/order-prints").await;
    assert!(page.attributes("form[data-tryit]", "enctype").is_empty());
    let form = page.form("Send").fill("size", "large").fill("to", "a&b, c d");
    let form = form.fill("gift", "{\"words\":\"x y\"}").fill("frame", "{\"wood\":\"oak\"}");
    let page = visitor.submit(form).await;
    page.assert_shows("Answer 200 OK");
    let seen = upstream.only();
    assert_eq!(seen.header("content-type"), "application/x-www-form-urlencoded");
    let pairs: Vec<_> = url::form_urlencoded::parse(&seen.body).collect();
    let expected =
        [("size", "large"), ("to", "a&b"), ("to", "c d"), ("gift", "{\"words\":\"x y\"}"), ("frame[wood]", "oak")];
    assert_eq!(pairs, expected.map(|(name, value)| (name.into(), value.into())));
    assert_eq!(page.form("Send").value("to"), "a&b, c d", "what was typed stays");
    let fields = [("endpoint", "default"), ("operation", "order-prints"), ("form.copies", "2")];
    let said = ask(&app, &visitor, CALLS, &fields).await;
    assert_eq!((said.status.as_u16(), &said.json()["fields"]["form.size"]), (422, &json!("Enter a value for size.")));
}

#[tokio::test]
async fn code_in_every_language_sends_the_files_and_curl_does_so_when_pasted() {
    let (app, upstream) = start().await;
    let visitor = Visitor::signed_in(&app, "ada").await;
    let fields = [
        ("endpoint", "default"),
        ("operation", "add-photo"),
        ("environment", "sandbox"),
        ("application", ""),
        ("part.title", "@it's; \"1\""),
        ("part.place", "{\"country\": \"I;T\"}"),
        ("part.photo", "a;b.png"),
        ("part.note", "hi"),
    ];
    let said = ask(&app, &visitor, CALLS, &fields).await;
    assert_eq!(said.status, 200, "{}", said.text());
    let said = said.json();
    assert_eq!(
        said["form"],
        json!([
            {"name": "title", "type": "", "text": "@it's; \"1\""},
            {"name": "place", "type": "application/json", "text": "{\"country\": \"I;T\"}"},
            {"name": "photo", "type": "", "field": "part.photo", "index": 0},
            {"name": "note", "type": "text/markdown", "text": "hi"},
        ])
    );
    let code: Vec<&str> = said["code"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    for (code, parts) in code.iter().zip([
        &[r#"--form-string 'title=@it'\''s; "1"'"#, r#"-F 'photo=@"a;b.png"'"#][..],
        &["await openAsBlob(\"a;b.png\")", "new Blob([\"{\\\"country\\\"", "body: form,"],
        &["(\"photo\", (\"a;b.png\", open(\"a;b.png\", \"rb\"))),", "(\"place\", (None, "],
        &["add(parts, \"photo\", \"a;b.png\", \"\", read(\"a;b.png\"))", "parts.FormDataContentType()"],
        &["Files.readAllBytes(Path.of(\"a;b.png\"))", "multipart/form-data; boundary="],
        &[".file(\"photo\", \"a;b.png\")?", ".multipart(form)", "\"multipart\""],
    ]) {
        assert!(parts.iter().all(|part| code.contains(part)), "{parts:?}:\n{code}");
    }
    let dir = db::scratch("console-curl");
    std::fs::write(dir.join("a;b.png"), b"\x89PNG").unwrap();
    app.settle().await;
    let key = said["credential"]["value"].as_str().unwrap();
    let command = code[0].replace("<YOUR_API_KEY>", key);
    let curl = move || std::process::Command::new("sh").arg("-c").arg(command).current_dir(&dir).output();
    assert!(tokio::task::spawn_blocking(curl).await.unwrap().unwrap().status.success());
    assert_eq!(
        parts(&upstream.only()),
        [
            part("title", None, "", b"@it's; \"1\""),
            part("place", None, "application/json", b"{\"country\": \"I;T\"}"),
            part("photo", Some("a;b.png"), "image/png", b"\x89PNG"),
            part("note", None, "text/markdown", b"hi"),
        ]
    );
    // A file alone, and the code as it stands before anything was chosen.
    let fields = [
        ("endpoint", "default"),
        ("operation", "replace-photo"),
        ("path.id", "7"),
        ("file", "x.png"),
        ("only", "code"),
    ];
    let said = ask(&app, &visitor, CALLS, &fields).await.json();
    for (code, part) in said["code"].as_array().unwrap().iter().zip([
        "--data-binary '@x.png'",
        "body: await openAsBlob(\"x.png\")",
        "data=open(\"x.png\", \"rb\")",
        "os.Open(\"x.png\")",
        "BodyPublishers.ofFile(Path.of(\"x.png\"))",
        ".body(std::fs::File::open(\"x.png\")?)",
    ]) {
        assert!(code.as_str().unwrap().contains(part), "{part}: {code}");
    }
    let page = Visitor::new(&app).open("/apis/media/v1/reference/default/add-photo").await;
    assert!(
        page.all("pre").iter().any(|code| code.contains("-F 'photo=@photo.bin'") && code.contains("-F 'title=Sea'"))
    );
}

/// Fills the form for a photo and sends it; the answer is there when this returns.
async fn send_photo(browser: &Browser, app: &TestApp, picture: &str, answer: &str) {
    browser.open(&app.portal("/apis/media/v1/reference/default/add-photo")).await;
    browser.type_into("[name='part.place']", "{}").await;
    browser.type_into("[name='part.photo']", picture).await;
    browser.click("[data-tryit] .btn.is-primary").await;
    browser.wait_until(answer).await;
}

#[tokio::test]
async fn in_a_browser_a_chosen_file_arrives_with_a_script_and_without() {
    let (app, upstream) = start().await;
    let picture = db::scratch("console-picture").join("sea.png");
    std::fs::write(&picture, b"\x89PNG\r\n--\r\n").unwrap();
    let path = picture.to_str().unwrap();
    let expected = [
        part("title", None, "", b"Sea"),
        part("place", None, "application/json", b"{}"),
        part("photo", Some("sea.png"), "image/png", b"\x89PNG\r\n--\r\n"),
    ];
    let mut browser = Browser::start().await;
    sign_in(&browser, &app, "ada").await;
    let arrived = "return document.querySelector('[data-answer] .badge')?.textContent.startsWith('200') ?? false";
    send_photo(&browser, &app, path, arrived).await;
    assert_eq!(parts(&upstream.only()), expected);
    let code = "return document.querySelector('[data-language=cURL] code').textContent.includes('photo=@sea.png')";
    browser.wait_until(code).await;
    let mut wrong = faults(&browser, "console-form").await;
    browser.open(&app.portal("/apis/media/v1/reference/default/replace-photo")).await;
    browser.type_into("[name='path.id']", "7").await;
    browser.type_into("[name=file]", path).await;
    browser.click("[data-tryit] .btn.is-primary").await;
    browser.wait_until(arrived).await;
    let seen = upstream.last();
    assert_eq!((seen.header("content-type"), &seen.body[..]), ("application/octet-stream", &b"\x89PNG\r\n--\r\n"[..]));
    wrong.extend(faults(&browser, "console-file").await);
    browser.open(&app.portal("/apis/media/v1/reference/default/set-avatar")).await;
    browser.type_into("[name=file]", path).await;
    browser.click("[data-tryit] .btn.is-primary").await;
    browser.wait_until(arrived).await;
    assert_eq!(upstream.last().header("content-type"), "image/png");
    // Where there are several media types, the fields of the one that is chosen are there, and no others.
    browser.open(&app.portal("/apis/media/v1/reference/default/add-album")).await;
    let shown = "return [...document.querySelectorAll('[data-tryit] [name]')].filter(e => e.checkVisibility()).map(e => e.name).slice(-3)";
    assert_eq!(browser.script(shown, json!([])).await, json!(["kind", "media", "body"]));
    let choose = "const s = document.getElementById('try-media'); s.value = 'multipart/form-data'; s.dispatchEvent(new Event('change', { bubbles: true }))";
    browser.script(choose, json!([])).await;
    assert_eq!(browser.script(shown, json!([])).await, json!(["media", "part.name", "part.cover"]));
    browser.type_into("[name='part.name']", "Italy").await;
    browser.click("[data-tryit] .btn.is-primary").await;
    browser.wait_until(arrived).await;
    assert_eq!(parts(&upstream.last()), [part("name", None, "", b"Italy")]);
    wrong.extend(faults(&browser, "console-media").await);

    // The page of a call that the portal made, where no script runs: what came back, what was missing.
    browser.without_scripts().await;
    send_photo(&browser, &app, path, "return document.querySelector('h2#answer') !== null").await;
    assert_eq!(parts(&upstream.last()), expected);
    // The page has been loaded without its scripts; what looks at it is one.
    let scripts = async |off: bool| {
        browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": off })).await;
    };
    scripts(false).await;
    wrong.extend(faults(&browser, "call-answer").await);
    scripts(true).await;
    browser.open(&app.portal("/apis/media/v1/reference/default/order-prints")).await;
    browser.script("document.querySelector('[data-tryit]').noValidate = true", json!([])).await;
    browser.type_into("[name='form.to']", "me").await;
    browser.script("document.querySelector(\"[name='form.size']\").insertAdjacentHTML('afterbegin', '<option value selected>')", json!([])).await;
    browser.click("[data-tryit] .btn.is-primary").await;
    browser.wait_for("[data-tryit] [aria-invalid]").await;
    scripts(false).await;
    wrong.extend(faults(&browser, "call-wrong").await.into_iter().filter(|fault| !fault.contains("422")));
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}
