//! From when until when a certificate holds (RFC 5280 §4.1.2.5): the one field that the TLS library does not hand out.

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// From when until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    /// Not before this.
    pub(super) begin: OffsetDateTime,
    /// Not after this.
    pub(super) end: OffsetDateTime,
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

impl Validity {
    /// Of a certificate in DER; none where it is not one.
    pub(super) fn of(certificate: &[u8]) -> Option<Self> {
        let (certificate, _) = expect(SEQUENCE, certificate)?;
        let (mut fields, _) = expect(SEQUENCE, certificate)?;
        if fields.first() == Some(&VERSION) {
            (_, fields) = element(fields).map(|(_, content, rest)| (content, rest))?;
        }
        // Serial number, algorithm, issuer.
        for _ in 0..3 {
            (_, _, fields) = element(fields)?;
        }
        let (validity, _) = expect(SEQUENCE, fields)?;
        let (tag, begin, rest) = element(validity)?;
        let begin = instant(tag, begin)?;
        let (tag, end, _) = element(rest)?;
        Some(Self { begin, end: instant(tag, end)? })
    }

    /// What is wrong at `now`, if something is.
    pub(super) fn fault(&self, now: OffsetDateTime) -> Option<String> {
        if now > self.end {
            Some(format!("the certificate expired on {}", self.end.date()))
        } else if now < self.begin {
            Some(format!("the certificate is not valid before {}", self.begin.date()))
        } else {
            None
        }
    }
}

/// The first element: tag, content, what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, length, rest @ ..] = bytes else { return None };
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (digits.iter().try_fold(0_usize, |sum, digit| sum.checked_mul(256)?.checked_add((*digit).into()))?, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn expect(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    element(bytes).filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn instant(tag: u8, text: &[u8]) -> Option<OffsetDateTime> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let digits = if tag == UTC_TIME { 2 } else { 4 };
    if !matches!(tag, UTC_TIME | GENERALIZED_TIME) {
        return None;
    }
    let (year, rest) = text.split_at_checked(digits)?;
    let year: i32 = year.parse().ok()?;
    let year = match tag {
        UTC_TIME if year >= 50 => 1900 + year,
        UTC_TIME => 2000 + year,
        _ => year,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<u8>().ok();
    let date = Date::from_calendar_date(year, Month::try_from(part(0)?).ok()?, part(2)?).ok()?;
    let time = Time::from_hms(part(4)?, part(6)?, part(8)?).ok()?;
    Some(PrimitiveDateTime::new(date, time).assume_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    use time::macros::datetime;

    #[test]
    fn the_validity_of_a_certificate_is_read() {
        let certificate = include_bytes!("../../../tests/it/fixtures/tls/expired.pem");
        let certificate = CertificateDer::from_pem_slice(certificate).unwrap();
        let validity = Validity::of(&certificate).unwrap();
        assert_eq!(validity, Validity { begin: datetime!(2020-01-01 0:00 UTC), end: datetime!(2021-01-01 0:00 UTC) });
        assert!(validity.fault(datetime!(2019-12-31 23:59 UTC)).is_some_and(|fault| fault.contains("before")));
        assert_eq!(validity.fault(datetime!(2020-06-01 0:00 UTC)), None);
        assert!(validity.fault(datetime!(2021-01-01 0:01 UTC)).is_some_and(|fault| fault.contains("expired")));
        // A date behind 2049 is written in the longer way.
        let long = include_bytes!("../../../tests/it/fixtures/tls/backend.pem");
        let long = CertificateDer::from_pem_slice(long).unwrap();
        assert_eq!(Validity::of(&long).unwrap().end.year(), 2120);
    }

    #[test]
    fn what_is_no_certificate_has_no_validity() {
        let whole = include_bytes!("../../../tests/it/fixtures/tls/backend.pem");
        let whole = CertificateDer::from_pem_slice(whole).unwrap();
        for length in 0..whole.len() {
            assert_eq!(Validity::of(&whole[..length]), None, "{length}");
        }
        assert_eq!(Validity::of(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
