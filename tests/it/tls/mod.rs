//! TLS on listeners: what is spoken, which certificate is shown, and how it is exchanged.

mod exchange;
mod files;
mod listeners;
