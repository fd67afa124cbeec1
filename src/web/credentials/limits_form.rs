//! What may narrow a new API key, as the part of its form that is folded away: expiry, addresses, operations.

use crate::base::environment::Environment;
use crate::domain::Ctx;
use crate::domain::catalog::browse;
use crate::domain::catalog::model::MajorVersion;
use crate::domain::credentials::limits::OFFERED_DAYS;
use crate::domain::credentials::model::WantedLimits;
use crate::web::error::Result;
use crate::web::form::Pairs;
use crate::web::words;

/// Operations that are offered one by one; of more, their names are typed.
const MOST_BOXES: usize = 150;
/// The field for the operations of an endpoint begins with this; what follows is the endpoint's name.
const OPERATIONS: &str = "operations-";

/// For `credentials/_key_limits.html`.
pub(super) struct LimitsForm {
    pub(super) expiries: Vec<Expiry>,
    pub(super) expires_on: String,
    pub(super) addresses: String,
    pub(super) endpoints: Vec<EndpointOperations>,
    /// Whether something was typed that is folded away.
    pub(super) is_open: bool,
}

/// When the key may expire.
pub(super) struct Expiry {
    pub(super) value: String,
    pub(super) title: String,
    pub(super) chosen: bool,
}

/// The operations of one endpoint, of which the key may open some.
pub(super) struct EndpointOperations {
    /// Of the form.
    pub(super) field: String,
    /// Where the form has several endpoints: for which of them these count; else empty.
    pub(super) only_for: String,
    pub(super) title: String,
    /// To be ticked; none where there are too many.
    pub(super) boxes: Vec<OperationBox>,
    /// What was typed, where there are too many to tick.
    pub(super) typed: String,
}

impl EndpointOperations {
    /// Whether a search among them helps.
    pub(super) fn is_long(&self) -> bool {
        self.boxes.len() > 12
    }

    pub(super) fn list_id(&self) -> String {
        format!("{}-list", self.field)
    }
}

/// An operation to tick.
pub(super) struct OperationBox {
    /// `GET /orders/{id}`.
    pub(super) label: String,
    pub(super) summary: String,
    /// In lower case, for the search.
    pub(super) text: String,
    pub(super) chosen: bool,
}

/// What was typed, for the endpoint that was chosen, or the only one there is.
pub(super) fn wanted(fields: &Pairs, endpoint: &str) -> WantedLimits {
    let field = format!("{OPERATIONS}{endpoint}");
    let operations = fields.all(&field).flat_map(str::lines).map(str::trim).filter(|line| !line.is_empty());
    WantedLimits {
        expiry: fields.one("expiry").to_owned(),
        expires_on: fields.one("expires_on").to_owned(),
        addresses: fields.one("addresses").to_owned(),
        operations: operations.map(str::to_owned).collect(),
    }
}

impl LimitsForm {
    /// For the endpoints of a version that are open in the environment, filled with what was typed.
    pub(super) async fn read(
        ctx: &Ctx,
        version: &MajorVersion,
        environment: Environment,
        fields: &Pairs,
    ) -> Result<Self> {
        let open = version.current().map_or(&[][..], |v| &v.endpoints);
        let open: Vec<_> = open.iter().filter(|e| e.environments.contains(&environment)).collect();
        let mut endpoints = Vec::new();
        for endpoint in open.iter().filter(|e| e.has_definition) {
            let operations = browse::operations(ctx, endpoint.id).await?;
            let field = format!("{OPERATIONS}{}", endpoint.name);
            let typed: Vec<String> =
                fields.all(&field).flat_map(str::lines).map(|line| line.trim().to_owned()).collect();
            let boxes = operations.into_iter().take(MOST_BOXES + 1).map(|operation| {
                let label = format!("{} {}", operation.method, operation.path);
                let text = format!("{label} {}", operation.summary).to_lowercase();
                OperationBox { chosen: typed.contains(&label), label, summary: operation.summary, text }
            });
            let mut boxes: Vec<OperationBox> = boxes.collect();
            if boxes.is_empty() {
                continue;
            }
            if boxes.len() > MOST_BOXES {
                boxes.clear();
            }
            let of = if endpoint.title.is_empty() { &endpoint.name } else { &endpoint.title };
            endpoints.push(EndpointOperations {
                field,
                only_for: if open.len() > 1 { format!("endpoint={}", endpoint.name) } else { String::new() },
                title: if open.len() > 1 {
                    format!("Allowed operations of {of}")
                } else {
                    "Allowed operations".to_owned()
                },
                typed: if boxes.is_empty() { typed.join("\n") } else { String::new() },
                boxes,
            });
        }
        let expiry = fields.one("expiry");
        let offered = OFFERED_DAYS.into_iter().map(|days| (days.to_string(), words::days(days)));
        let never = [("never".to_owned(), "Never".to_owned())];
        let date = [("date".to_owned(), "On a date…".to_owned())];
        let expiries = never.into_iter().chain(offered).chain(date);
        let typed = fields.all_beginning_with(OPERATIONS).any(|value| !value.is_empty());
        Ok(Self {
            expiries: expiries.map(|(value, title)| Expiry { chosen: value == expiry, value, title }).collect(),
            expires_on: fields.one("expires_on").to_owned(),
            addresses: fields.one("addresses").to_owned(),
            is_open: typed || !matches!(expiry, "" | "never") || !fields.one("addresses").is_empty(),
            endpoints,
        })
    }
}
