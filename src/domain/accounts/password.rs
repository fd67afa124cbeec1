//! Passwords: argon2id off the async threads, a few at a time; what a password must be.

use crate::base::error::{Error, FieldError, Result};
use crate::domain::Ctx;
use crate::domain::accounts::common;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::time::Duration;
use subtle::ConstantTimeEq as _;

/// Fewest characters (NIST SP 800-63B §5.1.1.2 asks for 8; we ask for more and for nothing else).
pub const MIN_CHARS: usize = 10;
/// Most characters: hashing longer ones would only cost us.
pub const MAX_CHARS: usize = 200;

/// A hash that no password matches, so that an unknown address takes as long as a wrong password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$cG9ydGljby1ub2JvZHk$6hDR8KcBIg4uLsIkkCPFSIWnvBMPgmzxbm6gZcK0Jyo";

/// Whether a password may be chosen by somebody with these names and addresses. Length is what counts, and that nobody
/// would guess it: no well-known password, no mere pattern, nothing that is a name of theirs (NIST SP 800-63B-4 §3.1.1.2).
pub fn check(password: &str, names: &[&str]) -> Result<(), FieldError> {
    let chars = password.chars().count();
    let message = if chars < MIN_CHARS {
        format!("Choose a password of at least {MIN_CHARS} characters.")
    } else if chars > MAX_CHARS {
        format!("Choose a password of at most {MAX_CHARS} characters.")
    } else if common::is_guessable(password, names) {
        "This password is easy to guess. A few words that do not belong together are hard to guess and easy to keep in mind."
            .to_owned()
    } else {
        return Ok(());
    };
    Err(FieldError { field: "password", message })
}

/// Hashes a password with a fresh salt.
pub(super) async fn hash(ctx: &Ctx, password: &str) -> Result<String> {
    let (password, salt) = (password.to_owned(), ctx.random.bytes::<16>());
    aside(ctx, move || {
        let params = Params::default();
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).map_err(broken)?,
            salt: Some(Salt::new(&salt).map_err(broken)?),
            hash: Some(output(&password, &salt, params)?),
        };
        Ok(hash.to_string())
    })
    .await?
}

/// Whether the password matches. With no hash (unknown or passwordless account) it takes as long, and does not.
pub(super) async fn matches(ctx: &Ctx, password: &str, hash: Option<String>) -> Result<bool> {
    let password = password.to_owned();
    aside(ctx, move || {
        let known = hash.is_some();
        let text = hash.unwrap_or_else(|| NOBODY.to_owned());
        let hash = PasswordHash::new(&text).map_err(broken)?;
        let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
            return Err(broken("a stored hash has no salt or no value"));
        };
        let output = output(&password, salt, Params::try_from(&hash).map_err(broken)?)?;
        Ok(bool::from(output.as_bytes().ct_eq(expected.as_bytes())) && known)
    })
    .await?
}

/// Room that is asked for with each hash, in KiB. Beyond 32 MiB an allocator maps the room by itself and gives it back
/// the moment it is freed; asked for the 19 MiB that are used, it would keep them for every thread that ever hashed.
/// What is not touched costs nothing.
const ROOM: usize = 40 * 1024;

fn output(password: &str, salt: &[u8], params: Params) -> Result<Output> {
    let mut room: Vec<Block> = Vec::with_capacity(ROOM.max(params.block_count()));
    room.resize(params.block_count(), Block::new());
    let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut out, &mut room).map_err(broken)?;
    Output::new(&out).map_err(broken)
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::internal(error.to_string())
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
    use argon2::password_hash::PasswordVerifier as _;

    const SALT: &[u8] = b"0123456789abcdef";

    #[test]
    fn the_hash_nobody_matches_costs_as_much_as_a_real_one() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        assert_eq!((nobody.algorithm, nobody.version), (Algorithm::Argon2id.ident(), Some(Version::V0x13.into())));
        assert_eq!(nobody.params, ParamsString::try_from(&Params::default()).unwrap());
        assert_eq!(nobody.hash.map(|h| h.len()), Some(Params::DEFAULT_OUTPUT_LEN));
    }

    #[test]
    fn our_hash_is_the_librarys() {
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&Params::default()).unwrap(),
            salt: Some(Salt::new(SALT).unwrap()),
            hash: Some(output("a password", SALT, Params::default()).unwrap()),
        };
        assert!(Argon2::default().verify_password(b"a password", &hash).is_ok());
        assert!(Argon2::default().verify_password(b"another one", &hash).is_err());
    }
}
