//! `major.minor`: a minor is compatible with the minors before it, a major is not.

use std::cmp::Ordering;

/// An API's version. There is no patch level: consumers choose a major and, if they must, a minor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Version {
    /// What a subscription covers.
    pub major: u16,
    /// Additions that break nobody.
    pub minor: u16,
}

impl Version {
    /// The largest number in either place.
    pub const MAX: u16 = 9999;

    /// From two columns that the database keeps within bounds.
    pub fn from_columns(major: i32, minor: i32) -> Self {
        Self { major: u16::try_from(major).unwrap_or(0), minor: u16::try_from(minor).unwrap_or(0) }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl std::str::FromStr for Version {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "a version is MAJOR.MINOR, such as 1.0";
        let (major, minor) = text.split_once('.').ok_or(wrong)?;
        Ok(Self { major: number(major).ok_or(wrong)?, minor: number(minor).ok_or(wrong)? })
    }
}

/// A decimal number without sign or leading zero, at most [`Version::MAX`]: one spelling for each version.
pub fn number(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let value: u16 = if plain { text.parse().ok()? } else { return None };
    (value <= Version::MAX).then_some(value)
}

/// What a version may do for callers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum VersionState {
    /// Not visible, not callable.
    Draft,
    /// Visible, callable, open to new subscriptions.
    Published,
    /// Callable by those who are subscribed; no new subscriptions.
    Deprecated,
    /// Refused with 503 until it is published again.
    Blocked,
    /// Gone: 404.
    Retired,
}

impl VersionState {
    /// As in SQL and manifests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Deprecated => "deprecated",
            Self::Blocked => "blocked",
            Self::Retired => "retired",
        }
    }

    /// Whether consumers see it: neither a draft nor gone.
    pub const fn is_shown(self) -> bool {
        matches!(self, Self::Published | Self::Deprecated | Self::Blocked)
    }
}

impl std::str::FromStr for VersionState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Draft, Self::Published, Self::Deprecated, Self::Blocked, Self::Retired]
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or(())
    }
}

/// Which of a major's minors answers for the major: the newest published one; when none is published, the newest
/// deprecated one; a blocked one only when nothing else is left (its callers are told so).
pub fn newest<'a, T>(
    minors: impl IntoIterator<Item = &'a T>,
    of: impl Fn(&T) -> (Version, VersionState),
) -> Option<&'a T> {
    let rank = |state| match state {
        VersionState::Published => 3,
        VersionState::Deprecated => 2,
        VersionState::Blocked => 1,
        VersionState::Draft | VersionState::Retired => 0,
    };
    minors.into_iter().filter(|item| rank(of(item).1) > 0).max_by(|a, b| {
        let ((va, sa), (vb, sb)) = (of(a), of(b));
        match rank(sa).cmp(&rank(sb)) {
            Ordering::Equal => va.cmp(&vb),
            unequal => unequal,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_one_spelling() {
        assert_eq!("1.0".parse(), Ok(Version { major: 1, minor: 0 }));
        assert_eq!("12.34".parse::<Version>().map(|v| v.to_string()).as_deref(), Ok("12.34"));
        for wrong in ["", "1", "1.", ".1", "1.0.0", "01.0", "1.00", "+1.0", "1.-1", "1.10000", "v1.0", "1 .0", "١.0"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_newest_published_minor_answers_for_the_major() {
        use VersionState::{Blocked, Deprecated, Draft, Published, Retired};
        let newest_minor = |minors: &[(u16, VersionState)]| {
            newest(minors, |(minor, state)| (Version { major: 1, minor: *minor }, *state)).map(|(minor, _)| *minor)
        };
        assert_eq!(newest_minor(&[(0, Published), (1, Published), (2, Draft)]), Some(1));
        assert_eq!(newest_minor(&[(0, Published), (1, Deprecated)]), Some(0));
        assert_eq!(newest_minor(&[(0, Retired), (1, Deprecated)]), Some(1));
        assert_eq!(newest_minor(&[(10, Published), (9, Published)]), Some(10));
        assert_eq!(newest_minor(&[(0, Blocked)]), Some(0));
        assert_eq!(newest_minor(&[(0, Draft), (1, Retired)]), None);
    }
}
