//! SQL of documents.

use crate::base::error::Result;
use crate::base::id::{ApiId, DocumentId};
use crate::domain::catalog::model::{Document, DocumentContent, DocumentEntry, DocumentFile, DocumentKind};
use crate::infra::db::Conn;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a row holds beside its name and title.
struct Stored {
    kind: DocumentKind,
    body: String,
    link: String,
    file_name: String,
    media_type: String,
    digest: Option<Vec<u8>>,
    bytes: Option<Vec<u8>>,
}

impl From<Stored> for DocumentContent {
    fn from(stored: Stored) -> Self {
        match stored.kind {
            DocumentKind::Markdown => Self::Markdown(stored.body),
            DocumentKind::Link => Self::Link(stored.link),
            DocumentKind::File => Self::File(DocumentFile {
                file_name: stored.file_name,
                media_type: stored.media_type,
                // The schema lets no file be without a digest of this length.
                digest: stored.digest.and_then(|digest| digest.try_into().ok()).unwrap_or_default(),
                bytes: stored.bytes,
            }),
        }
    }
}

/// The list, in the publisher's order.
pub(super) async fn of_api(conn: &mut Conn, api: ApiId) -> Result<Vec<DocumentEntry>> {
    let entries = sqlx::query_as!(
        DocumentEntry,
        r#"select name, title, kind as "kind: DocumentKind", link, file_name,
               coalesce(octet_length(content), 0)::bigint as "size!"
           from api_documents
           where api_id = $1
           order by position, name"#,
        api.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(entries)
}

/// One, with its bytes if it is a file.
pub(super) async fn find(conn: &mut Conn, api: ApiId, name: &str) -> Result<Option<Document>> {
    let row = sqlx::query!(
        r#"select name, title, kind as "kind: DocumentKind", body, link, file_name, media_type, digest, content
           from api_documents
           where api_id = $1 and name = $2"#,
        api.0,
        name,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let content = Stored {
            kind: row.kind,
            body: row.body,
            link: row.link,
            file_name: row.file_name,
            media_type: row.media_type,
            digest: row.digest,
            bytes: row.content,
        };
        Document { name: row.name, title: row.title, content: content.into() }
    }))
}

/// Those of every API; files come without their bytes.
pub(super) async fn all(conn: &mut Conn) -> Result<BTreeMap<Uuid, Vec<Document>>> {
    let rows = sqlx::query!(
        r#"select api_id, name, title, kind as "kind: DocumentKind", body, link, file_name, media_type, digest
           from api_documents
           order by api_id, position, name"#,
    )
    .fetch_all(conn)
    .await?;
    let mut documents: BTreeMap<Uuid, Vec<Document>> = BTreeMap::new();
    for row in rows {
        let content = Stored {
            kind: row.kind,
            body: row.body,
            link: row.link,
            file_name: row.file_name,
            media_type: row.media_type,
            digest: row.digest,
            bytes: None,
        };
        let document = Document { name: row.name, title: row.title, content: content.into() };
        documents.entry(row.api_id).or_default().push(document);
    }
    Ok(documents)
}

/// The bytes of every file: API, document, bytes.
pub(super) async fn files(conn: &mut Conn) -> Result<Vec<(String, String, Vec<u8>)>> {
    let rows = sqlx::query!(
        r#"select a.name as api, d.name as document, d.content as "content!"
           from api_documents d join apis a on a.id = d.api_id
           where d.kind = 'file'"#,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.api, row.document, row.content)).collect())
}

/// Adds one or replaces it. A file whose bytes were not read is the one that is there and only moves.
pub(super) async fn put(conn: &mut Conn, id: DocumentId, api: ApiId, document: &Document, position: i32) -> Result<()> {
    let (kind, body, link, file) = match &document.content {
        DocumentContent::Markdown(body) => ("markdown", body.as_str(), "", None),
        DocumentContent::Link(link) => ("link", "", link.as_str(), None),
        DocumentContent::File(file) => ("file", "", "", Some(file)),
    };
    if file.is_some_and(|file| file.bytes.is_none()) {
        sqlx::query!(
            "update api_documents set title = $3, position = $4 where api_id = $1 and name = $2",
            api.0,
            document.name,
            document.title,
            position,
        )
        .execute(conn)
        .await?;
        return Ok(());
    }
    sqlx::query!(
        "insert into api_documents (id, api_id, name, title, body, position, kind, link, file_name, media_type, content,
             digest)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (api_id, name) do update
         set title = excluded.title, body = excluded.body, position = excluded.position, kind = excluded.kind,
             link = excluded.link, file_name = excluded.file_name, media_type = excluded.media_type,
             content = excluded.content, digest = excluded.digest",
        id.0,
        api.0,
        document.name,
        document.title,
        body,
        position,
        kind,
        link,
        file.map_or("", |file| &file.file_name),
        file.map_or("", |file| &file.media_type),
        file.and_then(|file| file.bytes.as_deref()),
        file.map(|file| &file.digest[..]),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes those of other names.
pub(super) async fn delete_others(conn: &mut Conn, api: ApiId, keep: &[String]) -> Result<()> {
    sqlx::query!("delete from api_documents where api_id = $1 and name <> all ($2)", api.0, keep).execute(conn).await?;
    Ok(())
}
