//! Trying an operation out: the console beside its reference, code that calls it, and the call itself.
//!
//! With a script the browser calls the gateway, and the portal only says how: `POST …/calls` with `accept:
//! application/json` answers what to send, credential included. Without one the same form makes the portal call the gateway
//! of its own process and show the answer as a page. Either way a call is put together in one place, `prepare.rs`.

mod answer;
pub mod calls;
pub mod form;
pub mod literals;
pub mod own_gateway;
pub mod prepare;
pub mod snippets;
