//! Each procedure of the consumer guide, by its labels, in a real browser: with JavaScript and without.

mod applications;
mod discover;
mod keys;
mod manage;
mod reader;
mod sharing;
