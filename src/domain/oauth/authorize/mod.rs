//! The authorization endpoint: where a user lets a client act for it (RFC 6749 §3.1, OIDC Core §3.1.2 and §3.2.2).
//!
//! | step | file |
//! |---|---|
//! | the query as it came, each parameter once | `parameters.rs` |
//! | what it asks for, and where answers may go | `request.rs`, `redirect_uri.rs` |
//! | sign in, ask, refuse or grant | `decide.rs` |
//! | a request that waits for its user | `waiting.rs` |
//! | from request to answer, over several pages if need be | `flow.rs` |
//! | what goes back to the client, and what never does | `answer.rs` |
//! | what users have agreed to, and taking that back | `consents.rs` |
//!
//! Two scenarios. A user who is signed in and has agreed before never sees a page: the first request is answered with
//! a code. Anybody else is sent to pages below `/oauth2/authorize/{handle}`: the request stays here, under the digest
//! of that handle, and each page looks at it afresh, because a client may have changed its settings meanwhile.

pub mod answer;
pub mod consents;
mod decide;
pub mod flow;
pub mod parameters;
mod redirect_uri;
mod request;
mod waiting;
