//! Why somebody could not be signed in by a provider.

use std::time::Duration;

/// A reason. What exactly a provider did wrong stands in the log; people hear what they can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The provider does not answer.
    Unreachable,
    /// The provider answers what cannot be used or believed.
    Unusable,
    /// The provider says that it will not, or the person has said no there.
    Denied,
    /// No sign-in has begun in this browser that this could be the end of; or it has ended, or took too long.
    Ended,
    /// Too many sign-ins of one network are open or have failed.
    TooMany(Duration),
    /// The provider vouches for no e-mail address.
    NoEmail,
    /// Addresses of this domain may not come in.
    Domain,
    /// There is no account, and none is made.
    NoAccount,
    /// There is an account with this address, and it may not be entered for that.
    Taken,
    /// The account is disabled.
    Disabled,
    /// Whom the provider means has another account here.
    Elsewhere,
    /// The member has to sign in anew before this.
    SignInAgain,
}
