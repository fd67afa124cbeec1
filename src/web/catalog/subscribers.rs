//! Who has subscribed to an API, and who asks to, for whoever looks after it.

use crate::domain::accounts::model::Viewer;
use crate::domain::subscriptions::approvals::{self, Request};
use crate::domain::subscriptions::model::State as Calls;
use crate::domain::subscriptions::subscribers::{self, PAGE, Subscriber};
use crate::web::catalog::frame::{Frame, Pane};
use crate::web::error::Result;
use crate::web::page::{Shell, show};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::subscriptions::approvals::List;
use crate::web::subscriptions::chip::Chip;
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
    /// What waits for a decision.
    requests: Vec<Request>,
    rows: Vec<Row>,
    total: i64,
    /// The pages before and after; empty where there is none.
    newer: String,
    older: String,
}

/// A subscriber with what may be done about them.
struct Row {
    of: Subscriber,
    chip: Chip,
}

impl Row {
    fn menu_id(&self) -> String {
        format!("menu-{}", self.of.id)
    }

    fn menu_label(&self) -> String {
        format!("Actions for {}", self.of.application)
    }

    /// Blocking, or another block: its label; none where nothing can be called.
    fn block(&self) -> Option<&'static str> {
        match self.of.state {
            Calls::Active => Some("Block"),
            Calls::Blocked | Calls::ProductionBlocked => Some("Change block"),
            Calls::Pending | Calls::Rejected => None,
        }
    }
}

impl From<Subscriber> for Row {
    fn from(of: Subscriber) -> Self {
        Self { chip: Chip::new(of.state, &of.reason, of.change.as_ref()), of }
    }
}

impl SubscribersPage {
    fn heads() -> &'static [&'static str] {
        &["Application", "Owner", "Subscription Policy", "Status", "Since", ""]
    }

    /// For `subscriptions/_requests.html`.
    fn list() -> List {
        List::Api
    }

    /// Whether only the first are shown.
    fn has_more_requests(&self) -> bool {
        i64::try_from(self.requests.len()).is_ok_and(|shown| shown >= approvals::PAGE)
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
        requests: found.requests,
        rows: found.rows.into_iter().map(Row::from).collect(),
        total: found.total,
    })
}
