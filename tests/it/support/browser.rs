//! A real browser: headless Chromium, driven through chromedriver by `WebDriver`, which is JSON over HTTP.

use crate::support::{db, http};
use ::http::Method;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

const AXE: &str = include_str!("../fixtures/axe/axe.min.js");

/// What `WebDriver` calls an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser window with a profile of its own. It closes with the test.
pub(crate) struct Browser {
    driver: Child,
    address: String,
    session: String,
    /// Where pictures go: the directory that `PORTICO_SCREENSHOTS` names.
    pictures: Option<PathBuf>,
    scripts: Scripts,
}

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scripts {
    On,
    Off,
}

/// Light or dark, as the system would ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let (driver, chromium) =
            (program(&["chromedriver"]), program(&["chromium", "chromium-browser", "google-chrome"]));
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port = port(&mut driver);
        let profile = db::scratch(&format!("browser-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let pictures = std::env::var_os("PORTICO_SCREENSHOTS").map(PathBuf::from);
        let mut browser = Self {
            driver,
            address: format!("127.0.0.1:{port}"),
            session: String::new(),
            pictures,
            scripts: Scripts::On,
        };
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1440,900",
            "--hide-scrollbars",
        ]
        .map(str::to_owned)
        .into();
        arguments.push(format!("--user-data-dir={}", profile.display()));
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": chromium, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let made = browser.call(Method::POST, "/session", wanted).await;
        made["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        browser
    }

    /// Opens a page and waits until it has loaded.
    pub(crate) async fn open(&self, url: &str) {
        self.command("/url", json!({ "url": url })).await;
    }

    /// Where the browser is now.
    pub(crate) async fn url(&self) -> String {
        let path = format!("/session/{}/url", self.session);
        self.call(Method::GET, &path, Value::Null).await.as_str().unwrap().to_owned()
    }

    /// Runs a script in the page: `return …`. Arguments are `arguments[0]` and so on.
    pub(crate) async fn script(&self, script: &str, arguments: Value) -> Value {
        self.command("/execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// Runs a script that answers by calling its last argument.
    pub(crate) async fn script_async(&self, script: &str) -> Value {
        self.command("/execute/async", json!({ "script": script, "args": [] })).await
    }

    /// Waits until the page has what the selector looks for.
    pub(crate) async fn wait_for(&self, css: &str) {
        self.wait_until(&format!("return document.querySelector({}) !== null", json!(css))).await;
    }

    /// Waits until a script says `true`.
    pub(crate) async fn wait_until(&self, script: &str) {
        for _ in 0..200 {
            if self.script(script, json!([])).await == true {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        let page = self.script("return location.href + ' ' + document.body.innerText", json!([])).await;
        panic!("waited too long for {script} on {page}");
    }

    /// Clicks what the selector finds first; waits for the page that this may lead to.
    pub(crate) async fn click(&self, css: &str) {
        let element = self.element(css).await;
        self.command(&format!("/element/{element}/click"), json!({})).await;
    }

    /// Clicks an element that a script has found; waits for the page that this may lead to.
    pub(crate) async fn click_element(&self, element: &Value) {
        assert!(self.clicked(element).await, "the page is another one meanwhile");
    }

    /// Clicks an element that a script has found; `false` if it stands on the page no longer.
    pub(crate) async fn clicked(&self, element: &Value) -> bool {
        let path = format!("/session/{}/element/{}/click", self.session, element[ELEMENT].as_str().unwrap());
        match self.try_call(Method::POST, &path, json!({})).await {
            Ok(_) => true,
            Err(error) if error["error"] == "stale element reference" => false,
            Err(error) => panic!("{path}: {}", error["message"]),
        }
    }

    /// Types into an element that a script has found, in place of what is selected there.
    pub(crate) async fn type_element(&self, element: &Value, text: &str) {
        self.command(&format!("/element/{}/value", element[ELEMENT].as_str().unwrap()), json!({ "text": text })).await;
    }

    /// Types into a field, after what is there.
    pub(crate) async fn type_into(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        self.command(&format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    /// Width and height of the window's inside, in CSS pixels.
    pub(crate) async fn size(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// What the system prefers: this theme, and no motion, so that what is measured is not halfway between two colours.
    pub(crate) async fn prefer(&self, theme: Theme) {
        let value = if theme == Theme::Dark { "dark" } else { "light" };
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": value },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
        let painted = "requestAnimationFrame(() => setTimeout(arguments[arguments.length - 1], 20))";
        self.script_async(painted).await;
    }

    /// From now on no page runs a script of its own. What a test runs in the page still runs.
    pub(crate) async fn without_scripts(&mut self) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
        self.scripts = Scripts::Off;
    }

    /// Whether pages run their scripts.
    pub(crate) fn runs_scripts(&self) -> bool {
        self.scripts == Scripts::On
    }

    /// Lets pages of this origin read and write the clipboard, as a visitor's click would.
    pub(crate) async fn allow_clipboard(&self, origin: &str) {
        let permissions = json!({ "origin": origin, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        self.devtools("Browser.grantPermissions", permissions).await;
    }

    /// A command of the `DevTools` protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.command("/goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// What the console has said since the last call, errors of the network and of the content policy included.
    pub(crate) async fn console(&self) -> Vec<String> {
        let entries = self.command("/se/log", json!({ "type": "browser" })).await;
        let line = |e: &Value| format!("{} {}", e["level"].as_str().unwrap(), e["message"].as_str().unwrap());
        entries.as_array().unwrap().iter().map(line).collect()
    }

    /// What axe-core finds wrong with the page as it is now; one line for each element.
    pub(crate) async fn axe(&self) -> Vec<String> {
        if self.script("return typeof window.axe", json!([])).await == "undefined" {
            self.script(AXE, json!([])).await;
        }
        let run = "const done = arguments[arguments.length - 1];
            const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
            axe.run(document, { runOnly: tags, resultTypes: ['violations'] }).then(
                r => done(r.violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.target} ${n.failureSummary}`))),
                e => done([`axe failed: ${e}`]));";
        let found = self.script_async(run).await;
        found.as_array().unwrap().iter().map(|line| line.as_str().unwrap().replace('\n', " ")).collect()
    }

    /// By how many CSS pixels the page is wider than its window.
    pub(crate) async fn sideways(&self) -> i64 {
        let script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        self.script(script, json!([])).await.as_i64().unwrap()
    }

    /// Whether somebody wants to look at the pages.
    pub(crate) fn takes_pictures(&self) -> bool {
        self.pictures.is_some()
    }

    /// The whole page as a PNG, for whoever looks at it: written when `PORTICO_SCREENSHOTS` names a directory.
    pub(crate) async fn picture(&self, name: &str) {
        let Some(dir) = &self.pictures else { return };
        let shot = self.devtools("Page.captureScreenshot", json!({ "captureBeyondViewport": true })).await;
        let png = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, shot["data"].as_str().unwrap()).unwrap();
        std::fs::create_dir_all(dir).unwrap();
        std::fs::write(dir.join(format!("{name}.png")), png).unwrap();
    }

    async fn element(&self, css: &str) -> String {
        let found = self.command("/element", json!({ "using": "css selector", "value": css })).await;
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    async fn command(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, &format!("/session/{}{path}", self.session), body).await
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        self.try_call(method, path, body).await.unwrap_or_else(|error| panic!("{path}: {}", error["message"]))
    }

    /// The answer, or what the driver says is wrong.
    async fn try_call(&self, method: Method, path: &str, body: Value) -> Result<Value, Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let url = format!("http://{}{path}", self.address);
        let answer = http::send(method, &url, &[("content-type", "application/json")], body).await;
        let mut json = answer.json();
        let value = json["value"].take();
        if answer.status.is_success() { Ok(value) } else { Err(value) }
    }
}

impl Drop for Browser {
    /// Asks the driver to close Chromium (which would outlive it otherwise), then stops the driver.
    fn drop(&mut self) {
        if let Ok(mut stream) = TcpStream::connect(&self.address) {
            let head = format!(
                "DELETE /session/{} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
                self.session, self.address
            );
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.read(&mut [0; 256]);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The first of these programs that is installed. A test that cannot look at pages must fail, not pass unseen.
fn program(names: &[&str]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let candidates = names.iter().flat_map(|name| std::env::split_paths(&path).map(move |dir| dir.join(name)));
    candidates.into_iter().find(|file| file.is_file()).unwrap_or_else(|| {
        panic!("the tests of the pages need {}: apt-get install chromium chromium-driver", names.join(" or "))
    })
}

fn port(driver: &mut Child) -> u16 {
    for line in BufReader::new(driver.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((_, port)) = line.rsplit_once("started successfully on port ") {
            return port.trim_end_matches('.').parse().unwrap();
        }
    }
    panic!("chromedriver ended before it listened");
}
