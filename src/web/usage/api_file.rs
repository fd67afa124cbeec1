//! The rows of an API's usage as a file.

use crate::domain::usage::api_usage::CsvRow;
use crate::web::csv::cell;
use std::fmt::Write as _;
use time::format_description::well_known::Rfc3339;

const HEAD: &str = "from,environment,application,operation,calls,succeeded,client_errors,server_errors\r\n";

/// What is in the file.
pub(super) fn text(rows: &[CsvRow]) -> String {
    let mut text = String::from(HEAD);
    for row in rows {
        // Writing to a text cannot fail.
        _ = write!(
            text,
            "{},{},{},{},{},{},{},{}\r\n",
            row.at.format(&Rfc3339).unwrap_or_default(),
            row.environment,
            cell(row.application.as_deref().unwrap_or_default()),
            cell(&row.operation),
            row.sums.requests,
            row.sums.succeeded(),
            row.sums.client_errors,
            row.sums.server_errors,
        );
    }
    text
}
