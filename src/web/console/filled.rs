//! The console's form as it was sent: fields, and files where a browser without a script sends them along.

use crate::web::console::multipart;
use crate::web::error::Failure;
use crate::web::form::Pairs;
use crate::web::state::PortalState;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;

/// The largest form with its files, in bytes: 5 MiB of files, and room for the fields.
const MOST: usize = 5 * 1024 * 1024 + 256 * 1024;
/// What is read of a form that is too large, in bytes, so that the browser gets to read the answer.
const MOST_DROPPED: usize = 64 * 1024 * 1024;

/// A file of the form. A script keeps the files and sends their names alone: then it has no bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The field of the form.
    pub field: String,
    /// Which one of its files, from zero.
    pub index: usize,
    /// What it is called; may be empty.
    pub name: String,
    /// Its media type; empty where nobody says.
    pub media: String,
    /// What is in it.
    pub bytes: Bytes,
}

/// The form.
#[derive(Clone, Debug)]
pub struct Filled {
    /// What was typed and chosen.
    pub fields: Pairs,
    files: Vec<Upload>,
}

impl Filled {
    /// As if these fields had been sent.
    pub fn of(fields: Pairs) -> Self {
        Self { fields, files: Vec::new() }
    }

    /// The files of a field, in order.
    pub fn uploads(&self, field: &str) -> Vec<Upload> {
        let sent: Vec<Upload> = self.files.iter().filter(|file| file.field == field).cloned().collect();
        if !sent.is_empty() {
            return sent;
        }
        let chosen = self.fields.all(field).filter(|name| !name.is_empty()).enumerate();
        let upload = |(index, name): (usize, &str)| Upload {
            field: field.to_owned(),
            index,
            name: name.to_owned(),
            media: String::new(),
            bytes: Bytes::new(),
        };
        chosen.map(upload).collect()
    }
}

impl FromRequest<PortalState> for Filled {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &PortalState) -> Result<Self, Failure> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Some(boundary) = multipart::boundary(media_type).map(str::to_owned) else {
            return Ok(Self::of(Pairs::from_request(request, state).await?));
        };
        let body = whole(request.into_body()).await?;
        let parts = multipart::read(&body, &boundary).ok_or(Failure::Unreadable(StatusCode::BAD_REQUEST))?;
        let (mut fields, mut files): (Vec<(String, String)>, Vec<Upload>) = (Vec::new(), Vec::new());
        for part in parts {
            match part.file {
                // A field for files in which none was chosen.
                Some(name) if name.is_empty() && part.bytes.is_empty() => {}
                Some(name) => {
                    let index = files.iter().filter(|file| file.field == part.name).count();
                    files.push(Upload { field: part.name, index, name, media: part.media, bytes: part.bytes });
                }
                None => {
                    let text = String::from_utf8(part.bytes.into());
                    fields.push((part.name, text.map_err(|_not_text| Failure::Unreadable(StatusCode::BAD_REQUEST))?));
                }
            }
        }
        Ok(Self { fields: Pairs::new(fields), files })
    }
}

async fn whole(mut body: Body) -> Result<Bytes, Failure> {
    let mut all = Vec::new();
    let mut dropped = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_broken| Failure::Unreadable(StatusCode::BAD_REQUEST))?;
        let Ok(data) = frame.into_data() else { continue };
        if dropped > 0 || all.len() + data.len() > MOST {
            dropped += data.len();
            all = Vec::new();
            if dropped > MOST_DROPPED {
                break;
            }
        } else {
            all.extend_from_slice(&data);
        }
    }
    if dropped > 0 { Err(Failure::FileTooLarge) } else { Ok(all.into()) }
}
