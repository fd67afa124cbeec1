//! Listeners and the graceful drain.
