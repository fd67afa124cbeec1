//! Everything HTTP but the proxy.
//!
//! # How to write a page
//!
//! 1. The path: a line in `router.rs`, and a function in [`urls`] that makes the link.
//! 2. The struct, beside its handler, with a field `shell: Shell`; view words are methods of it, not logic in the template:
//!    `#[derive(Template)] #[template(path = "applications/new.html")] struct NewPage { shell: Shell, name: String, wrong: Wrong }`
//! 3. The template: `{% extends "layout.html" %}`, blocks `title`, `main`, `dialogs`; the macros of
//!    `components/ui.html` are there as `ui::…`; `filters` are there when the module says `use crate::web::filters;`.
//! 4. The handler takes extractors: `State(state)`, `SignedIn(member)` (or `CurrentViewer(viewer)`), `Path`, `Query`,
//!    `shell: Shell`, and last `Fields(form): Fields<T>` (or [`form::Pairs`] where a name comes several times). It
//!    answers [`error::Result`]: `?` on what the domain answers ends on the right error page.
//!
//! # How to take a form
//!
//! ```ignore
//! let made = match outcome(manage::create(&state.ctx, &member, &form.name).await)? {
//!     Outcome::Done(made) => made,
//!     Outcome::Wrong(wrong) => return page::refuse(&NewPage { shell, name: form.name, wrong }), // 422, what was typed stays
//! };
//! page::redirect_with(&state, &urls::application(made.id), Flash::ApplicationSaved)              // 303, one message
//! ```
//!
//! In the template: `{{ ui::problem(wrong.summary()) }}` on top and `wrong.of("name")` for each field. A secret that is
//! shown once is the answer to the POST itself: `page::show_once(&CreatedPage { … })`. Forms need no token: the
//! cross-site layer refuses foreign ones. No GET may change anything.

mod account_urls;
pub mod accounts;
pub mod applications;
pub mod assets;
pub mod catalog;
pub mod chart;
pub mod client_ip;
pub mod console;
pub mod cookie;
pub mod credentials;
mod csv;
pub mod duty;
pub mod error;
pub mod filters;
pub mod flash;
pub mod form;
pub mod home;
pub mod layer;
pub mod look;
pub mod markdown;
pub mod oauth;
pub mod ops;
pub mod page;
pub mod path;
pub mod router;
pub mod state;
pub mod subscriptions;
pub mod urls;
pub mod usage;
pub mod viewer;
pub mod words;

pub use router::router;
pub use state::PortalState;
