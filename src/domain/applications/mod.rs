//! Applications and who they are shared with.
