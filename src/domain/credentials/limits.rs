//! What narrows an API key, read from what somebody typed: until when, from where, for which operations.

use crate::base::error::FieldError;
use crate::domain::credentials::model::{Limits, WantedLimits};
use ipnet::IpNet;
use std::net::IpAddr;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime};

/// Networks of one key, at most.
pub const MOST_ADDRESSES: usize = 20;
/// Operations of one key, at most.
pub const MOST_OPERATIONS: usize = 100;
/// Days until a key expires that the form offers.
pub const OFFERED_DAYS: [i64; 4] = [30, 90, 180, 365];
/// Days until a key expires, at most.
const MOST_DAYS: i64 = 3650;
/// Of a chosen last day.
const ON_DATE: &str = "date";
/// Of a key without expiry.
const NEVER: &str = "never";

/// Reads them. `operations` are those of the key's endpoint: method and path, as its definition has them.
pub(super) fn parse(
    wanted: &WantedLimits,
    operations: &[(String, String)],
    now: OffsetDateTime,
) -> Result<Limits, Vec<FieldError>> {
    let expires_at = expires_at(wanted, now);
    let addresses = addresses(&wanted.addresses);
    let chosen = chosen(&wanted.operations, operations);
    match (expires_at, addresses, chosen) {
        (Ok(expires_at), Ok(addresses), Ok(operations)) => Ok(Limits { expires_at, addresses, operations }),
        (expires_at, addresses, chosen) => {
            let wrong = [("expiry", expires_at.err()), ("addresses", addresses.err()), ("operations", chosen.err())];
            let wrong = wrong.into_iter().filter_map(|(field, said)| Some(FieldError { field, message: said? }));
            Err(wrong.collect())
        }
    }
}

fn expires_at(wanted: &WantedLimits, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, String> {
    const WRONG: &str = "Choose when the key expires from the list.";
    match wanted.expiry.trim() {
        "" | NEVER => Ok(None),
        ON_DATE => {
            let text = wanted.expires_on.trim();
            let day = Date::parse(text, format_description!("[year]-[month]-[day]"));
            let day =
                day.map_err(|_not_a_date| "Enter the last day as year-month-day, such as 2027-01-31.".to_owned())?;
            // The day itself still counts.
            let end = day.next_day().ok_or("Choose an earlier day.")?.midnight().assume_utc();
            if end <= now {
                return Err("This day is over. Choose a later one.".to_owned());
            }
            if end - now > Duration::days(MOST_DAYS) {
                return Err("Choose a day within the next ten years.".to_owned());
            }
            Ok(Some(end))
        }
        days => {
            let days = days.parse::<i64>().ok().filter(|days| OFFERED_DAYS.contains(days)).ok_or(WRONG)?;
            Ok(Some(now + Duration::days(days)))
        }
    }
}

/// Single addresses become networks of one; bits behind the prefix are dropped, as everybody who writes `192.0.2.7/24` means.
fn addresses(text: &str) -> Result<Vec<IpNet>, String> {
    let mut networks: Vec<IpNet> = Vec::new();
    for word in text.split([',', ';', ' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()) {
        let network = network(word).ok_or_else(|| {
            let word: String = word.chars().take(60).collect();
            format!("{word} is no address and no network. Write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32.")
        })?;
        if network.prefix_len() == 0 {
            return Err(format!("{network} is everywhere. Leave the field empty instead."));
        }
        if !networks.contains(&network) {
            networks.push(network);
        }
        if networks.len() > MOST_ADDRESSES {
            return Err(format!("A key takes {MOST_ADDRESSES} networks at most. Write neighbours as one network."));
        }
    }
    Ok(networks)
}

fn network(word: &str) -> Option<IpNet> {
    let network = match word.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => IpNet::from(word.parse::<IpAddr>().ok()?.to_canonical()),
    };
    // The gateway knows callers by their IPv4 addresses even where a socket takes both kinds.
    match network {
        IpNet::V6(six) if six.addr().to_ipv4_mapped().is_some() => None,
        network => Some(network.trunc()),
    }
}

/// In the definition's order, each once.
fn chosen(wanted: &[String], operations: &[(String, String)]) -> Result<Vec<String>, String> {
    let known: Vec<String> = operations.iter().map(|(method, path)| format!("{method} {path}")).collect();
    if wanted.iter().any(|label| !known.contains(label)) {
        return Err("The API has changed: one of these operations is gone. Choose again.".to_owned());
    }
    let chosen: Vec<String> = known.into_iter().filter(|label| wanted.contains(label)).collect();
    if chosen.len() > MOST_OPERATIONS {
        return Err(format!("A key takes {MOST_OPERATIONS} operations at most. Choose none to open all."));
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn wanted(expiry: &str, expires_on: &str, addresses: &str, operations: &[&str]) -> WantedLimits {
        WantedLimits {
            expiry: expiry.to_owned(),
            expires_on: expires_on.to_owned(),
            addresses: addresses.to_owned(),
            operations: operations.iter().map(|o| (*o).to_owned()).collect(),
        }
    }

    fn read(wanted: &WantedLimits) -> Result<Limits, Vec<FieldError>> {
        let operations = [("GET", "/orders"), ("POST", "/orders"), ("GET", "/orders/{id}")];
        parse(wanted, &operations.map(|(method, path)| (method.to_owned(), path.to_owned())), NOW)
    }

    #[test]
    fn what_is_typed_is_understood() {
        assert_eq!(read(&WantedLimits::default()), Ok(Limits::default()));
        let limits = read(&wanted(
            "date",
            "2026-11-24",
            "192.0.2.7, 10.1.2.3/8\n2001:db8::1/32 192.0.2.7/32,::ffff:198.51.100.1",
            &["GET /orders/{id}", "GET /orders"],
        ));
        let limits = limits.unwrap();
        assert_eq!(limits.expires_at, Some(datetime!(2026-11-25 0:00 UTC)));
        let addresses: Vec<String> = limits.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["192.0.2.7/32", "10.0.0.0/8", "2001:db8::/32", "198.51.100.1/32"]);
        assert_eq!(limits.operations, ["GET /orders", "GET /orders/{id}"]);
        assert_eq!(read(&wanted("90", "", "", &[])).unwrap().expires_at, Some(NOW + Duration::days(90)));
        assert_eq!(read(&wanted("never", "nonsense", "", &[])), Ok(Limits::default()));
    }

    #[test]
    fn what_is_not_understood_says_what_to_do() {
        for (typed, field, said) in [
            (wanted("31", "", "", &[]), "expiry", "from the list"),
            (wanted("date", "", "", &[]), "expiry", "year-month-day"),
            (wanted("date", "31.12.2027", "", &[]), "expiry", "year-month-day"),
            (wanted("date", "2026-11-23", "", &[]), "expiry", "is over"),
            (wanted("date", "2099-01-01", "", &[]), "expiry", "ten years"),
            (wanted("date", "9999-12-31", "", &[]), "expiry", "earlier day"),
            (wanted("", "", "office", &[]), "addresses", "office is no address"),
            (wanted("", "", "192.0.2.0/33", &[]), "addresses", "no network"),
            (wanted("", "", "0.0.0.0/0", &[]), "addresses", "everywhere"),
            (wanted("", "", "::ffff:10.0.0.0/104", &[]), "addresses", "no network"),
            (wanted("", "", "", &["GET /gone"]), "operations", "is gone"),
        ] {
            let wrong = read(&typed).unwrap_err();
            assert_eq!(wrong.len(), 1, "{typed:?}: {wrong:?}");
            assert!(wrong.iter().all(|e| e.field == field && e.message.contains(said)), "{typed:?}: {wrong:?}");
        }
        let many: Vec<String> = (0..=MOST_ADDRESSES).map(|n| format!("192.0.2.{n}")).collect();
        assert!(read(&wanted("", "", &many.join(" "), &[])).is_err());
    }
}
