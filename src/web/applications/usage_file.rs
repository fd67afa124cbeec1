//! The rows of an application's usage as a file.

use crate::domain::usage::report::Line;
use crate::web::csv::cell;
use std::fmt::Write as _;
use time::format_description::well_known::Rfc3339;

const HEAD: &str = "from,api,version,environment,credential,calls,succeeded,client_errors,server_errors,request_bytes,response_bytes\r\n";

/// What is in the file.
pub(super) fn text(lines: &[Line]) -> String {
    let mut text = String::from(HEAD);
    for line in lines {
        // Writing to a text cannot fail.
        _ = write!(
            text,
            "{},{},{},{},{},{},{},{},{},{},{}\r\n",
            line.at.format(&Rfc3339).unwrap_or_default(),
            cell(&line.api),
            cell(&line.version),
            line.environment,
            cell(&line.credential),
            line.sums.requests,
            line.sums.succeeded(),
            line.sums.client_errors,
            line.sums.server_errors,
            line.request_bytes,
            line.response_bytes,
        );
    }
    text
}
