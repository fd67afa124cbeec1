//! Who has subscribed to an API, for whoever looks after it; to read.

use crate::domain::accounts::model::Viewer;
use crate::domain::subscriptions::model::State as Calls;
use crate::domain::subscriptions::subscribers::{self, PAGE, Subscriber};
use crate::web::catalog::frame::{Frame, Pane};
use crate::web::error::Result;
use crate::web::page::{Shell, show};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls, words};
use askama::Template;
use axum::extract::{Query, State};

#[derive(Template)]
#[template(path = "catalog/subscribers.html")]
struct SubscribersPage {
    shell: Shell,
    frame: Frame,
    /// As it was typed.
    text: String,
    rows: Vec<Subscriber>,
    total: i64,
    /// The pages before and after; empty where there is none.
    newer: String,
    older: String,
}

impl SubscribersPage {
    fn heads() -> &'static [&'static str] {
        &["Application", "Owner", "Subscription Policy", "Status", "Since"]
    }

    fn counted(&self) -> String {
        words::counted(self.total, "subscription")
    }

    fn nothing(&self) -> String {
        if self.text.is_empty() {
            format!("Nobody has subscribed to {} yet", self.frame.full_title())
        } else {
            format!("Nothing matches “{}”", self.text)
        }
    }
}

/// What is looked for.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
    /// What is no number is the first page.
    #[serde(default)]
    page: String,
}

/// The list.
pub async fn index(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At((name, major)): At<(String, Major)>,
    Query(asked): Query<Asked>,
) -> Result {
    let text = asked.q.trim().to_owned();
    let page = asked.page.parse().unwrap_or(1);
    let found = subscribers::of_version(&state.ctx, &member, (&name, major.0), &text, page).await?;
    let frame = Frame::load(&state, &Viewer::Member(member), &name, major, Pane::Subscribers).await?;
    let link = |page| urls::api_subscribers_page(&name, major.0, &text, page);
    show(&SubscribersPage {
        newer: if found.page > 1 { link(found.page - 1) } else { String::new() },
        older: if found.page * PAGE < found.total { link(found.page + 1) } else { String::new() },
        shell,
        frame,
        text,
        rows: found.rows,
        total: found.total,
    })
}
