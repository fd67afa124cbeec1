//! The hot path: from a request to a backend and back. It knows no page and no domain code; what it needs of the nouns
//! it reads as data.
//!
//! One thread a core, each with a runtime, listeners, a connection pool, a memory of credentials and counters of its own,
//! so that no request waits for another core. A request goes through these files, in this order:
//!
//! | phase | file | when it fails |
//! |---|---|---|
//! | accept, protocol, time limits | `listen`, `connection` | closed, 408 |
//! | the whole request on one screen | `pipeline` | any [`refusal::Refusal`] |
//! | the immutable route table | `snapshot` (made by `sync` from `store`) | 503 until the first is read |
//! | path → version and endpoint | `route` | 400, 404, 503 when blocked |
//! | preflight of the portal's pages | `cors` | – |
//! | which tokens an API takes | `resource` | 404 |
//! | which credential, and whose | `authn`, `bearer`, `revocations`, `keyring`, `lookups` | 401; 503 when it cannot be told |
//! | may this caller make this call | `permit`, `operations` (`templates`, `spelling`) | 401, 403 |
//! | headers for the backend, connection, streaming | `headers`, `pool`, `tls`, `forward`, `body` | 413, 502, 503, 504 |
//! | what is left behind | `meter`, `metrics` | never fails a request |

mod authn;
mod bearer;
mod body;
mod connection;
mod core;
mod cors;
mod forward;
mod headers;
mod keyring;
mod limits;
pub mod listen;
mod lookups;
pub mod meter;
mod metrics;
mod operations;
mod permit;
mod pipeline;
mod pool;
pub mod refusal;
mod resource;
mod revocations;
mod route;
mod running;
mod snapshot;
mod spelling;
mod store;
mod sync;
mod templates;
mod tls;

pub use metrics::Metrics;
pub use running::{Gateway, GatewayParts, Readiness};
