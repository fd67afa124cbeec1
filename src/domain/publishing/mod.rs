//! How APIs get into the catalogue.
