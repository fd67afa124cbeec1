//! Reads the configuration: file, environment, flags, each checked, each error with its place.
