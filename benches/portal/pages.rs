//! Every list and page that is measured.

use crate::stage::Stage;
use crate::{Page, Viewer};

/// In the order of the table.
pub(super) const ALL: &[Page] = &[
    page("/", Viewer::Visitor, |_, _| "/".to_owned()),
    page("/", Viewer::Member, |_, _| "/".to_owned()),
    page("/apis", Viewer::Visitor, |_, _| "/apis".to_owned()),
    page("/apis", Viewer::Member, |_, _| "/apis".to_owned()),
    page("/apis?page", Viewer::Member, |_, n| format!("/apis?page={}", 1 + n % 400)),
    page("/apis?sort", Viewer::Member, |_, n| format!("/apis?sort=new&page={}", 1 + n % 20)),
    page("/apis?q (one word)", Viewer::Member, |_, n| format!("/apis?q={}", word(n))),
    page("/apis?q (two words)", Viewer::Visitor, |_, n| format!("/apis?q={}+{}", word(n), word(n / 3 + 1))),
    page("/apis?q (a name)", Viewer::Member, |stage, n| format!("/apis?q=api-{}", 1 + n * 31 % stage.apis)),
    page("/apis?q (an operation)", Viewer::Member, |_, n| format!("/apis?q=operation:cancel{}", word(n))),
    page("/apis?q (a typing error)", Viewer::Member, |_, n| format!("/apis?q={}x{}", &word(n)[..4], &word(n)[4..])),
    page("/apis?tag", Viewer::Member, |_, n| format!("/apis?tag={}&tag=beta", word(n))),
    page("/apis?mine", Viewer::Member, |_, _| "/apis?mine=1".to_owned()),
    page("/apis/{name}/{major}", Viewer::Visitor, |stage, n| api(stage, n, "")),
    page("/apis/{name}/{major}", Viewer::Member, |stage, n| api(stage, n, "")),
    page("…/docs/{document}", Viewer::Member, |stage, n| api(stage, n, "/docs/start")),
    page("…/changes", Viewer::Member, |stage, n| api(stage, n, "/changes")),
    page("…/keys/{environment}", Viewer::Member, |stage, n| api(stage, n, "/keys/sandbox")),
    page("…/keys/{environment}/new", Viewer::Member, |stage, n| api(stage, n, "/keys/sandbox/new")),
    page("…/subscribers", Viewer::Admin, |stage, n| api(stage, n, "/subscribers")),
    page("…/usage", Viewer::Admin, |stage, n| api(stage, n, "/usage")),
    page("/applications", Viewer::Member, |_, _| "/applications".to_owned()),
    page("/applications?page", Viewer::Member, |_, n| format!("/applications?page={}", 1 + n % 20)),
    page("/applications?q", Viewer::Member, |_, n| format!("/applications?q={n}")),
    page("/applications/{id}", Viewer::Member, |stage, n| application(stage, n, "")),
    page("…/details", Viewer::Member, |stage, n| application(stage, n, "/details")),
    page("…/deletion", Viewer::Member, |stage, n| application(stage, n, "/deletion")),
    page("…/subscriptions", Viewer::Member, |stage, n| application(stage, n, "/subscriptions")),
    page("…/subscriptions/new", Viewer::Member, |stage, n| application(stage, n, "/subscriptions/new")),
    page("…/subscriptions/new?q", Viewer::Member, |stage, n| {
        application(stage, n, &format!("/subscriptions/new?q={}", word(n)))
    }),
    page("…/credentials/{environment}", Viewer::Member, |stage, n| application(stage, n, "/credentials/sandbox")),
    page("…/settings", Viewer::Member, |stage, n| application(stage, n / 2 * 2, "/credentials/sandbox/settings")),
    page("…/api-keys/{environment}", Viewer::Member, |stage, n| application(stage, n, "/api-keys/sandbox")),
    page("…/sharing", Viewer::Member, |stage, n| application(stage, n, "/sharing")),
    page("…/activity", Viewer::Member, |stage, n| application(stage, n, "/activity")),
    page("…/usage", Viewer::Member, |stage, n| application(stage, n, "/usage")),
    page("…/refusals", Viewer::Member, |stage, n| application(stage, n, "/refusals")),
    page("/subscriptions/{id}/plan", Viewer::Member, |stage, n| {
        format!("/subscriptions/{}/plan", of(&stage.own_subscriptions, n))
    }),
    page("/api-keys/{id}/regeneration", Viewer::Member, |stage, n| {
        format!("/api-keys/{}/regeneration", of(&stage.own_keys, n))
    }),
    page("/api-keys/{id}/deletion", Viewer::Member, |stage, n| {
        format!("/api-keys/{}/deletion", of(&stage.own_keys, n))
    }),
    page("/refusals", Viewer::Member, |_, _| "/refusals".to_owned()),
    page("/tokens", Viewer::Member, |_, _| "/tokens".to_owned()),
    page("/account", Viewer::Member, |_, _| "/account".to_owned()),
    page("/account/sessions", Viewer::Member, |_, _| "/account/sessions".to_owned()),
    page("/people", Viewer::Admin, |_, _| "/people".to_owned()),
    page("/llms.txt", Viewer::Visitor, |_, _| "/llms.txt".to_owned()),
    page("/apis.md", Viewer::Visitor, |_, n| format!("/apis.md?page={}", 1 + n % 40)),
    page("/.well-known/api-catalog", Viewer::Visitor, |_, n| format!("/.well-known/api-catalog?page={}", 1 + n % 40)),
];

const fn page(name: &'static str, viewer: Viewer, path: fn(&Stage, usize) -> String) -> Page {
    Page { name, viewer, path }
}

fn api(stage: &Stage, number: usize, rest: &str) -> String {
    // Public for everybody: every tenth that is.
    format!("/apis/api-{}/v1{rest}", 10 * (1 + number * 31 % (stage.apis / 10)))
}

fn application(stage: &Stage, number: usize, rest: &str) -> String {
    format!("/applications/{}{rest}", of(&stage.own_applications, number))
}

fn of(list: &[String], number: usize) -> &str {
    &list[number % list.len()]
}

/// Words that some APIs have.
fn word(number: usize) -> &'static str {
    const WORDS: [&str; 12] = [
        "refunds",
        "policies",
        "couriers",
        "invoices",
        "forecasts",
        "contracts",
        "merchants",
        "insurance",
        "statements",
        "parcels",
        "shipping",
        "translation",
    ];
    WORDS[number % WORDS.len()]
}
