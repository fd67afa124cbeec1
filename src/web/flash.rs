//! One message across one redirect. The cookie holds a code, never text: nobody can make the portal say something else.

/// What the next page says on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flash {
    /// The session was ended on request.
    SignedOut,
    /// A form was sent after the session had ended.
    SessionEnded,
    /// A password was set with a link.
    PasswordSet,
    /// A new account was made with a link.
    AccountReady,
    /// The member's name was changed.
    ProfileSaved,
    /// The member's password was changed.
    PasswordChanged,
    /// Another session of the member was ended.
    OtherSessionEnded,
    /// Every session of the member was ended.
    SignedOutEverywhere,
    /// The member's account was connected with a provider.
    Connected,
    /// It was disconnected.
    Disconnected,
    /// A person was invited.
    PersonInvited,
    /// The instance has its first administrator.
    InstanceReady,
    /// An application's name or description was changed.
    ApplicationSaved,
    /// An application is gone.
    ApplicationDeleted,
    /// An application is shared with more people.
    ApplicationShared,
    /// An application is shared with somebody no longer.
    ShareRemoved,
    /// An application has another owner.
    ApplicationTransferred,
    /// The viewer no longer reads an application.
    ApplicationLeft,
    /// An application was subscribed to several APIs.
    SubscriptionsAdded,
    /// An application was subscribed to an API.
    SubscriptionAdded,
    /// An application was subscribed on the API's page.
    Subscribed,
    /// A subscription has another plan.
    SubscriptionChanged,
    /// A subscription is asked for.
    SubscriptionRequested,
    /// Several APIs were added, and some subscriptions of them are asked for.
    SubscriptionsRequested,
    /// Another plan is asked for.
    PlanRequested,
    /// What was asked for is not any more.
    RequestWithdrawn,
    /// A request was approved.
    RequestApproved,
    /// A request was rejected.
    RequestRejected,
    /// A request was no longer as the page had it.
    RequestMoved,
    /// A subscription is blocked.
    SubscriptionBlocked,
    /// A subscription is no longer blocked.
    SubscriptionUnblocked,
    /// Production access is asked for.
    ProductionRequested,
    /// A subscription is gone.
    SubscriptionRemoved,
    /// An API key is gone.
    ApiKeyDeleted,
    /// The grace hour of an API key was ended.
    OldApiKeyEnded,
    /// An application's keys have new settings.
    ClientSaved,
    /// The grace hour of a consumer secret was ended.
    OldSecretEnded,
    /// Every token of a client was revoked.
    TokensRevoked,
    /// Consumer key and secret are gone.
    ClientDeleted,
    /// Credentials on an API became an application.
    Converted,
    /// An application may no longer act for the member.
    ConsentRevoked,
}

impl Flash {
    const ALL: [(Self, &'static str, &'static str); 41] = [
        (Self::SignedOut, "signed-out", "You are signed out."),
        (Self::SessionEnded, "session-ended", "Your session had ended, so nothing was changed. Sign in and try again."),
        (Self::PasswordSet, "password-set", "Your password is set. Sign in with it."),
        (Self::AccountReady, "account-ready", "Your account is ready and you are signed in."),
        (Self::ProfileSaved, "profile-saved", "Your name is saved."),
        (Self::PasswordChanged, "password-changed", "Your password is changed. Every other session is signed out."),
        (Self::OtherSessionEnded, "other-session-ended", "That session is ended."),
        (Self::SignedOutEverywhere, "signed-out-everywhere", "You are signed out everywhere."),
        (Self::Connected, "connected", "Connected. From now on you can sign in that way too."),
        (Self::Disconnected, "disconnected", "Disconnected. You no longer sign in that way."),
        (Self::PersonInvited, "person-invited", "The account is made, and a letter with a link is on its way."),
        (Self::InstanceReady, "instance-ready", "Your account is ready and you are signed in."),
        (Self::ApplicationSaved, "application-saved", "The application is saved."),
        (Self::ApplicationDeleted, "application-deleted", "The application is deleted. Its keys no longer work."),
        (Self::ApplicationShared, "application-shared", "The application is shared, to read."),
        (Self::ShareRemoved, "share-removed", "It is no longer shared with them."),
        (Self::ApplicationTransferred, "application-transferred", "The application has a new owner."),
        (Self::ApplicationLeft, "application-left", "You have left the application."),
        (Self::SubscriptionsAdded, "subscriptions-added", "The APIs are added."),
        (Self::SubscriptionAdded, "subscription-added", "The API is added."),
        (Self::Subscribed, "subscribed", "Subscribed. The application's credentials open this API from now on."),
        (Self::SubscriptionChanged, "subscription-changed", "The subscription policy is changed."),
        (
            Self::SubscriptionRequested,
            "subscription-requested",
            "The subscription is requested. Calls pass once one of the API's owners has approved it.",
        ),
        (
            Self::SubscriptionsRequested,
            "subscriptions-requested",
            "The APIs are added. Some wait for approval: their subscriptions are pending.",
        ),
        (
            Self::PlanRequested,
            "plan-requested",
            "The change is requested. Until it is approved, the plan stays as it is.",
        ),
        (Self::RequestWithdrawn, "request-withdrawn", "The request is withdrawn."),
        (Self::RequestApproved, "request-approved", "Approved. A letter tells whoever has asked."),
        (Self::RequestRejected, "request-rejected", "Rejected. A letter tells whoever has asked."),
        (
            Self::RequestMoved,
            "request-moved",
            "That request was decided, changed or withdrawn meanwhile, so nothing was done.",
        ),
        (
            Self::SubscriptionBlocked,
            "subscription-blocked",
            "The subscription is blocked. Its calls are refused from now on.",
        ),
        (Self::SubscriptionUnblocked, "subscription-unblocked", "The subscription is unblocked. Its calls pass again."),
        (
            Self::ProductionRequested,
            "production-requested",
            "Production access is requested. A letter tells you what was decided.",
        ),
        (Self::SubscriptionRemoved, "subscription-removed", "The subscription is removed."),
        (Self::ApiKeyDeleted, "api-key-deleted", "The API key is deleted. Calls with it are refused from now on."),
        (Self::OldApiKeyEnded, "old-api-key-ended", "The old key no longer works."),
        (Self::ClientSaved, "client-saved", "The settings are saved."),
        (Self::OldSecretEnded, "old-secret-ended", "The old consumer secret no longer works."),
        (Self::ConsentRevoked, "consent-revoked", "The application can no longer act for you."),
        (Self::TokensRevoked, "tokens-revoked", "The tokens are revoked. Calls with them are refused from now on."),
        (Self::Converted, "converted", "It is an application now. Its consumer key, secret and tokens are the same."),
        (
            Self::ClientDeleted,
            "client-deleted",
            "The credentials are deleted. Calls with their tokens are refused from now on.",
        ),
    ];

    /// For the cookie.
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(flash, ..)| *flash == self).map_or("", |(_, code, _)| code)
    }

    /// From the cookie.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == code).map(|(flash, ..)| *flash)
    }

    /// For the page.
    pub fn text(self) -> &'static str {
        Self::ALL.iter().find(|(flash, ..)| *flash == self).map_or("", |(.., text)| text)
    }

    /// Colour of the message: `is-ok`, or `is-warn` when something did not happen.
    pub fn tone(self) -> &'static str {
        if matches!(self, Self::SessionEnded | Self::RequestMoved) { "is-warn" } else { "is-ok" }
    }
}
