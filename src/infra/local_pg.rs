//! A private Postgres for a portal that was given no database.
