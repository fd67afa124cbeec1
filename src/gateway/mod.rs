//! The hot path: from a request to a backend and back. It knows no page and no domain code; what it needs of the nouns
//! it reads as data.
//!
//! One thread a core, each with a runtime, listeners, a connection pool, a memory of credentials and counters of its own,
//! so that no request waits for another core. A request goes through these files, in this order:
//!
//! | phase | file | when it fails |
//! |---|---|---|
//! | accept, protocol, time limits | `listen`, `connection`, `timer` | closed |
//! | HTTP/1.1, request after request | `session`, `reader` (bytes: `wire`) | 400, 408, 414, 431, 501 |
//! | the whole request on one screen | `pipeline` | any [`refusal::Refusal`] |
//! | the immutable route table | `snapshot` (made by `sync` from `store`) | 503 until the first is read |
//! | path → version and endpoint | `route` | 400, 404, 503 when blocked |
//! | what the publisher asks for, prepared | `policy` | 503 where it cannot be read |
//! | preflight of pages of other origins | `cors` | – |
//! | which tokens an API takes | `resource` | 404 |
//! | which credential, and whose | `authn`, `key_in_query`, `bearer`, `revocations`, `keyring`, `lookups` | 401; 503 when it cannot be told |
//! | may this caller make this call | `permit`, `enforce`, `operations` (`templates`, `spelling`) | 401, 403, 404, 405 |
//! | who calls, signed | `assertion` | 503 |
//! | headers for the backend, connection, streaming | `headers`, `forwarded`, `pool`, `tls`, `forward`, `exchange`, `body`, `upgrade` | 413, 502, 503, 504 |
//! | which operation it is | `listing` (kept by `definitions`) | – |
//! | may it make it now | `limits` | 429, 503 |
//! | what is left behind | `meter`, `tallies`, `flusher`, `metrics`, `trace`, `access_log` (`line`, `access_log_writer`) | never fails a request |

mod access_log;
mod access_log_writer;
mod api_counts;
pub mod assertion;
mod authn;
mod bearer;
mod body;
mod client_address;
mod connection;
mod core;
mod cors;
mod date;
mod definitions;
mod enforce;
mod exchange;
mod flusher;
mod forward;
mod forwarded;
mod headers;
mod key_in_query;
mod key_limits;
mod keyring;
pub mod limits;
mod line;
pub mod listen;
mod listing;
mod lookups;
pub mod meter;
mod metrics;
mod mixed;
mod operations;
mod permit;
mod pipeline;
mod policy;
mod pool;
mod reader;
mod records;
pub mod refusal;
pub mod refused_calls;
mod resource;
mod retirement;
mod revocations;
mod route;
#[cfg(test)]
mod route_fuzz;
mod running;
mod session;
mod sketch;
mod snapshot;
mod spelling;
mod store;
mod subscription;
mod sync;
mod tallies;
mod templates;
mod timer;
mod tls;
mod trace;
mod upgrade;
mod waits;
mod wire;
#[cfg(test)]
mod wire_fuzz;

pub use metrics::Metrics;
pub use running::{Gateway, GatewayParts, Readiness};
