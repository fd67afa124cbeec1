//! What was called, by whom, how often.
