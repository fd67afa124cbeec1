//! Somebody who follows the consumer guide in a real browser: clicks what is called so, and fills the field that has that label.

use crate::support::app::TestApp;
use crate::support::browser::{Browser, Theme};
use crate::support::make;
use serde_json::{Value, json};

/// Functions for the scripts below: what an element is called, whether one can see it, and where one looks.
const FIND: &str = r"
    const trim = s => s.replace(/\s+/g, ' ').trim();
    const seen = e => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;
    // Words for screen readers only complete a name: both the whole and the part that is seen count.
    const names = e => {
        const plain = e.cloneNode(true); plain.querySelectorAll('.vh').forEach(n => n.remove());
        return [e.getAttribute('aria-label') ?? '', e.innerText ?? '', plain.textContent].map(trim);
    };
    const where = document.querySelector('dialog[open]') ?? document;
";

/// The reader's browser, with its scripts on or off.
pub(super) struct Reader<'a> {
    pub(super) browser: Browser,
    app: &'a TestApp,
}

impl<'a> Reader<'a> {
    pub(super) async fn start(app: &'a TestApp, scripts: bool) -> Self {
        let mut browser = Browser::start().await;
        browser.prefer(Theme::Light).await;
        browser.allow_clipboard(&app.portal("")).await;
        if !scripts {
            browser.without_scripts().await;
        }
        Self { browser, app }
    }

    /// "Navigate to the Developer Portal and sign in."
    pub(super) async fn sign_in(&self, name: &str) {
        self.browser.open(&self.app.portal("/")).await;
        self.click("Sign in").await;
        self.fill("E-mail address", &format!("{name}@example.com")).await;
        self.fill("Password", make::PASSWORD).await;
        self.click("Sign in").await;
        self.see("Hello").await;
    }

    /// Clicks the link, button, tab or summary that is called so: exactly, or else one whose name begins so.
    pub(super) async fn click(&self, name: &str) {
        let find = format!(
            "{FIND} const all = [...where.querySelectorAll('a[href], button, summary, label, [role=tab]')].filter(seen);
             return all.find(e => names(e).includes(arguments[0])) ?? all.find(e => names(e).some(n => n.startsWith(arguments[0]))) ?? null"
        );
        self.click_found(&find, json!([name])).await;
    }

    /// Clicks what a script finds. A page that gives way to the next in between is looked through again.
    async fn click_found(&self, find: &str, arguments: Value) {
        for _ in 0..20 {
            let element = self.wait(find, arguments.clone()).await;
            if self.browser.clicked(&element).await {
                return;
            }
        }
        panic!("{arguments} goes away whenever it is clicked");
    }

    /// Types into the field with this label, or chooses there what is called so.
    pub(super) async fn fill(&self, label: &str, value: &str) {
        let element = self.field(label).await;
        let choose = "const [e, v] = arguments; if (e.tagName !== 'SELECT') { if (e.select) e.select(); return null; }
            return [...e.options].find(o => o.text === v || o.value === v) ?? [...e.options].find(o => o.text.includes(v)) ?? null";
        let option = self.browser.script(choose, json!([element, value])).await;
        if option.is_null() {
            self.browser.type_element(&element, value).await;
        } else {
            self.browser.click_element(&option).await;
        }
    }

    /// Presses Enter in the field with this label.
    pub(super) async fn press_enter(&self, label: &str) {
        let element = self.field(label).await;
        self.browser.type_element(&element, "\u{e007}").await;
    }

    /// Ticks or chooses what is called so.
    pub(super) async fn tick(&self, label: &str) {
        let find = format!(
            "{FIND} const all = [...where.querySelectorAll('label')].filter(l => seen(l) && l.querySelector('[type=checkbox], [type=radio]'));
             return all.find(e => names(e).includes(arguments[0])) ?? all.find(e => names(e).some(n => n.startsWith(arguments[0]))) ?? null"
        );
        let element = self.wait(&find, json!([label])).await;
        let is_on = "return arguments[0].querySelector('[type=checkbox], [type=radio]').checked";
        if self.browser.script(is_on, json!([element])).await != true {
            self.browser.click_element(&element).await;
        }
    }

    /// Waits until the page shows these words.
    pub(super) async fn see(&self, words: &str) {
        let shown = format!("return document.body.innerText.replace(/\\s+/g, ' ').includes({})", json!(words));
        self.browser.wait_until(&shown).await;
    }

    /// Waits until the page shows these words no longer.
    pub(super) async fn miss(&self, words: &str) {
        let shown = format!("return !document.body.innerText.replace(/\\s+/g, ' ').includes({})", json!(words));
        self.browser.wait_until(&shown).await;
    }

    /// Whether the page, or the dialog that is open in front of it, shows these words now.
    pub(super) async fn sees(&self, words: &str) -> bool {
        let shown = "return (document.querySelector('dialog[open]') ?? document.body).innerText.replace(/\\s+/g, ' ').includes(arguments[0])";
        self.browser.script(shown, json!([words])).await == true
    }

    /// The value that the button `Copy {label}` copies, as it stands on the page.
    pub(super) async fn copied(&self, label: &str) -> String {
        let find = format!(
            "{FIND} const b = [...where.querySelectorAll('[data-copy]')].find(b => names(b).some(n => n.toLowerCase() === ('copy ' + arguments[0]).toLowerCase()));
             return b ? b.dataset.copy : null"
        );
        self.wait(&find, json!([label])).await.as_str().unwrap().to_owned()
    }

    /// What the clipboard holds.
    pub(super) async fn clipboard(&self) -> String {
        let read = "const done = arguments[arguments.length - 1]; navigator.clipboard.readText().then(done, e => done(String(e)))";
        self.browser.script_async(read).await.as_str().unwrap().to_owned()
    }

    /// Presses a button and asks for the clipboard, where scripts run.
    pub(super) fn has_scripts(&self) -> bool {
        self.browser.runs_scripts()
    }

    async fn field(&self, label: &str) -> Value {
        self.wait(&Self::find_field(), json!([label])).await
    }

    fn find_field() -> String {
        format!(
            "{FIND} const labels = [...where.querySelectorAll('label')].filter(seen);
             const is = (l, n) => n === arguments[0] || n.replace(/ optional$/, '') === arguments[0];
             const label = labels.find(l => names(l).some(n => is(l, n))) ?? labels.find(l => names(l).some(n => n.startsWith(arguments[0])));
             const named = [...where.querySelectorAll('input, select, textarea')].find(e => seen(e) && e.getAttribute('aria-label') === arguments[0]);
             return label?.control ?? named ?? null"
        )
    }

    /// Asks again and again until there is an answer.
    async fn wait(&self, script: &str, arguments: Value) -> Value {
        for _ in 0..200 {
            let found = self.browser.script(script, arguments.clone()).await;
            if !found.is_null() {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        let page = self.browser.script("return location.href + '\\n' + document.body.innerText", json!([])).await;
        panic!("{arguments} is not there: {}", page.as_str().unwrap());
    }
}
