//! The hot path: route, authenticate, permit, forward, count.
