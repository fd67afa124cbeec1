//! The page of a named schema.

use crate::domain::catalog::reference;
use crate::domain::catalog::reference_model::Schema;
use crate::web::catalog::frame::Frame;
use crate::web::catalog::reference::place::{Form, Place, markdown};
use crate::web::catalog::reference::schema_lines;
use crate::web::catalog::reference::schema_view::{self, Fields, unfolds};
use crate::web::error::{Failure, Result};
use crate::web::markdown::{self, Html};
use crate::web::page::{self, Shell};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::CurrentViewer;
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "catalog/reference/schema.html")]
struct SchemaPage {
    shell: Shell,
    frame: Frame,
    place: Place,
    schema: Schema,
    description: Html,
    inside: Fields,
}

#[derive(Template)]
#[template(path = "catalog/reference/schema.md")]
struct SchemaText {
    place: Place,
    schema: Schema,
    portal: String,
}

impl SchemaPage {
    fn unfolds(&self) -> String {
        unfolds(self.schema.inner())
    }

    fn markdown_url(&self) -> String {
        urls::markdown(&self.place.schema_url(&self.schema.name))
    }
}

impl SchemaText {
    fn lines(&self) -> String {
        schema_lines::inside(&self.schema)
    }
}

/// The page; in Markdown when `.md` follows its name.
pub async fn show(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At((name, major, endpoint, schema)): At<(String, Major, String, String)>,
    shell: Shell,
) -> Result {
    let place = Place::load(&state, &viewer, (&name, major), &endpoint).await?;
    // A schema may be called `x.md`.
    let (found, form) = match reference::schema(&state.ctx, place.endpoint.id, &schema).await {
        Ok(found) => (found, Form::Page),
        Err(missing) => match Form::of(&schema) {
            (stem, Form::Markdown) => (reference::schema(&state.ctx, place.endpoint.id, stem).await?, Form::Markdown),
            (_, Form::Page) => return Err(Failure::Domain(missing)),
        },
    };
    if form == Form::Markdown {
        return markdown(&SchemaText { place, schema: found, portal: state.urls.portal.clone() });
    }
    page::show(&SchemaPage {
        description: markdown::render(&found.description, 1),
        inside: schema_view::inside(&place, &found),
        shell,
        frame: place.frame.clone(),
        place,
        schema: found,
    })
}
