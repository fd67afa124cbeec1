//! What the verification of a token's signature costs by itself, in the library that the gateway uses.

use crate::stage::process;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use std::hint::black_box;
use std::time::{Duration, Instant};

const MEASURED: Duration = Duration::from_secs(1);

/// Microseconds of CPU for one, over the tokens in a file, with the key in another.
pub(crate) fn run(jwk: &str, tokens: &str) -> f64 {
    let jwk: Jwk = serde_json::from_slice(&std::fs::read(jwk).unwrap()).unwrap();
    let (key, tokens) = (DecodingKey::from_jwk(&jwk).unwrap(), std::fs::read_to_string(tokens).unwrap());
    let tokens: Vec<(&str, &str)> = tokens.lines().take(1000).map(|token| token.rsplit_once('.').unwrap()).collect();
    let (before, started, mut count) = (process::cpu("self"), Instant::now(), 0_u32);
    while started.elapsed() < MEASURED {
        for (message, signature) in &tokens {
            assert!(crypto::verify(black_box(signature), message.as_bytes(), &key, Algorithm::ES256).unwrap());
            count += 1;
        }
    }
    process::cpu("self").saturating_sub(before).as_secs_f64() * 1e6 / f64::from(count)
}
