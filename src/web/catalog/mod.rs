//! The catalogue: the list, and the pages of one API.

pub mod definition;
pub mod document;
pub mod frame;
pub mod index;
pub mod machines;
mod narrowing;
pub mod operations;
pub mod overview;
mod rules;
