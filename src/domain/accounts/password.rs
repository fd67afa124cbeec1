//! Passwords: argon2id off the async threads, a few at a time; what a password must be.

use crate::base::error::{Error, FieldError, Result};
use crate::domain::Ctx;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use std::time::Duration;

/// Fewest characters (NIST SP 800-63B §5.1.1.2 asks for 8; we ask for more and for nothing else).
pub const MIN_CHARS: usize = 10;
/// Most characters: hashing longer ones would only cost us.
pub const MAX_CHARS: usize = 200;

/// A hash that no password matches, so that an unknown address takes as long as a wrong password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$cG9ydGljby1ub2JvZHk$6hDR8KcBIg4uLsIkkCPFSIWnvBMPgmzxbm6gZcK0Jyo";

/// Whether a password may be chosen.
pub fn check(password: &str) -> Result<(), FieldError> {
    let chars = password.chars().count();
    let message = if chars < MIN_CHARS {
        format!("Choose a password of at least {MIN_CHARS} characters.")
    } else if chars > MAX_CHARS {
        format!("Choose a password of at most {MAX_CHARS} characters.")
    } else {
        return Ok(());
    };
    Err(FieldError { field: "password", message })
}

/// Hashes a password with a fresh salt.
pub(super) async fn hash(ctx: &Ctx, password: &str) -> Result<String> {
    let (password, salt) = (password.to_owned(), ctx.random.bytes::<16>());
    aside(ctx, move || {
        let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
        hash.map(|h| h.to_string()).map_err(|e| Error::internal(e.to_string()))
    })
    .await?
}

/// Whether the password matches. With no hash (unknown or passwordless account) it takes as long, and does not.
pub(super) async fn matches(ctx: &Ctx, password: &str, hash: Option<String>) -> Result<bool> {
    let password = password.to_owned();
    aside(ctx, move || {
        let known = hash.is_some();
        let text = hash.unwrap_or_else(|| NOBODY.to_owned());
        let parsed = PasswordHash::new(&text).map_err(|e| Error::internal(e.to_string()))?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
    })
    .await?
}

/// Runs `work` on a blocking thread, no more than [`Ctx::HASHING_AT_ONCE`] at a time.
async fn aside<T: Send + 'static>(ctx: &Ctx, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let acquire = tokio::time::timeout(Duration::from_secs(10), std::sync::Arc::clone(&ctx.hashing).acquire_owned());
    let Ok(permit) = acquire.await else {
        return Err(Error::Busy(Duration::from_secs(5)));
    };
    let permit = permit.map_err(Error::internal)?;
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    })
    .await
    .map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_nobody_matches_costs_as_much_as_a_real_one() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let real = Argon2::default().hash_password_with_salt(b"a password", b"0123456789abcdef").unwrap().to_string();
        let real = PasswordHash::new(&real).unwrap();
        assert_eq!((nobody.algorithm, nobody.version, &nobody.params), (real.algorithm, real.version, &real.params));
        assert_eq!(nobody.hash.map(|h| h.len()), real.hash.map(|h| h.len()));
    }
}
