//! Everything HTTP but the proxy: pages, token endpoint, operations.
