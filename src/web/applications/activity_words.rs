//! Events of an application's trail, in words.

use crate::domain::audit::model::Event;
use serde_json::Value;

/// What happened. An action that this page does not know is told as it is written.
pub(super) fn what(action: &str) -> String {
    let known = match action {
        "application.created" => "Application created",
        "application.edited" => "Name or description changed",
        "application.converted" => "Made of credentials on an API",
        "application.shared" => "Shared",
        "application.unshared" => "Taken back from a reader",
        "application.transferred" => "Ownership transferred",
        "application.left" => "Left by a reader",
        "subscription.added" => "Subscribed to an API",
        "subscription.plan_changed" => "Subscription policy changed",
        "subscription.requested" => "Subscription requested",
        "subscription.approved" => "Subscription approved",
        "subscription.rejected" => "Subscription rejected",
        "subscription.plan_requested" => "Another subscription policy requested",
        "subscription.plan_approved" => "Another subscription policy approved",
        "subscription.plan_rejected" => "Another subscription policy rejected",
        "subscription.request_withdrawn" => "Request withdrawn",
        "subscription.blocked" => "Subscription blocked by the publisher",
        "subscription.unblocked" => "Subscription unblocked by the publisher",
        "subscription.removed" => "Subscription removed",
        "api_key.generated" => "API key generated",
        "api_key.regenerated" => "API key regenerated",
        "api_key.previous_ended" => "Old API key ended",
        "api_key.deleted" => "API key deleted",
        "client.generated" => "Consumer key and secret generated",
        "client.configured" => "Advanced configurations changed",
        "client.secret_regenerated" => "Consumer secret regenerated",
        "client.old_secret_ended" => "Old consumer secret ended",
        "client.tokens_revoked" => "All access tokens revoked",
        "client.deleted" => "Consumer key and secret deleted",
        "client.test_token" | "client.test_token_generated" => "Test token generated",
        other => {
            let words = other.replace(['.', '_'], " ");
            let mut letters = words.chars();
            let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
            return first + letters.as_str();
        }
    };
    known.to_owned()
}

/// What is told of it: plain values only, whatever an event carries.
pub(super) fn detail(event: &Event) -> String {
    let text = |name: &str| match event.detail.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let api = text("api").map(|api| match text("major") {
        Some(major) => format!("{api} v{major}"),
        None => api,
    });
    let emails = event
        .detail
        .get("emails")
        .and_then(Value::as_array)
        .map(|emails| emails.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "));
    let change = match (text("from"), text("to")) {
        (Some(from), Some(to)) => Some(format!("{from} to {to}")),
        _ => None,
    };
    let parts = [
        text("name"),
        emails,
        text("email"),
        api,
        change,
        text("plan"),
        text("calls").map(|calls| format!("{calls} calls")),
        text("reason").filter(|reason| !reason.is_empty()),
        text("environment"),
        event.action.starts_with("client.").then(|| event.subject.clone()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::AuditEventId;
    use crate::domain::audit::model::Actor;
    use serde_json::json;

    #[test]
    fn what_is_new_is_told_all_the_same() {
        assert_eq!(what("client.tokens_revoked"), "All access tokens revoked");
        assert_eq!(what("thing.turned_around"), "Thing turned around");
        assert_eq!(what(""), "");
    }

    #[test]
    fn details_are_told_in_one_line() {
        let said = |action: &str, detail| {
            let (id, at) = (AuditEventId(uuid::Uuid::nil()), time::OffsetDateTime::UNIX_EPOCH);
            let (action, subject) = (action.to_owned(), "subject".to_owned());
            super::detail(&Event { id, at, actor: Actor::CommandLine, action, application: None, subject, detail })
        };
        let key = json!({"name": "ci", "api": "pets", "major": 1, "environment": "sandbox", "endpoint": {"a": 1}});
        assert_eq!(said("api_key.generated", key), "ci · pets v1 · sandbox");
        assert_eq!(said("application.shared", json!({"emails": ["a@b.c", "d@e.f"]})), "a@b.c, d@e.f");
        assert_eq!(said("subscription.plan_changed", json!({"from": "gold", "to": "bronze"})), "gold to bronze");
        assert_eq!(said("client.generated", json!({"environment": "sandbox"})), "sandbox · subject");
    }
}
