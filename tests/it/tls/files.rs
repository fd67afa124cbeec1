//! Certificate files that are missing or wrong: what a start and `portico check` say.

use crate::support::db::scratch;
use crate::support::process::{Serving, portico, run, stopped_instance};
use crate::support::tls::{fixture, listener};
use portico::app::App;
use portico::base::clock::Clock;
use portico::base::random::Random;
use portico::config::{BackendTls, Config};
use std::fs;

#[tokio::test]
async fn a_start_without_a_usable_certificate_is_refused_in_one_line() {
    let dir = scratch("tls-files");
    let write = |name: &str, text: &str| {
        fs::write(dir.join(name), text).unwrap();
        dir.join(name)
    };
    let (none, empty) = (dir.join("none.pem"), write("empty.pem", "nothing\n"));
    let broken = write("broken.pem", "-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n");
    let broken_key = write("broken.key", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n");
    let good = listener("listener");
    let (certificate, key) = (good.certificate.unwrap(), good.key.unwrap());
    for (certificate, key, said) in [
        (&none, &key, "portal.tls.certificate: "),
        (&none, &key, "none.pem cannot be read: No such file"),
        (&dir, &key, "cannot be read: Is a directory"),
        (&empty, &key, "empty.pem holds no certificate; it must be PEM"),
        (&key, &key, "listener.key holds no certificate"),
        (&broken, &key, "broken.pem "),
        (&certificate, &none, "portal.tls.key: "),
        (&certificate, &certificate, "listener.pem holds no private key that can be read"),
        (&certificate, &broken_key, "broken.key holds "),
        (&certificate, &fixture("renewed.key"), "renewed.key is not the key of the first certificate in "),
    ] {
        let mut config = Config::default();
        for address in [
            &mut config.portal.listen,
            &mut config.operations.listen,
            &mut config.gateway.production.listen,
            &mut config.gateway.sandbox.listen,
        ] {
            address.set_port(0);
        }
        config.data_dir = Some(dir.join("data"));
        config.portal.tls.certificate = Some(certificate.clone());
        config.portal.tls.key = Some(key.clone());
        let error = App::start(config, Clock::System, Random::System).await.err().unwrap();
        assert!(error.contains(said) && error.starts_with("portal.tls."), "{error}");
        assert!(error.lines().count() == 1 && !error.contains("hunter2"), "{error}");
        assert!(!dir.join("data").exists(), "nothing was made");
    }
}

#[test]
fn no_debug_output_shows_what_the_files_hold() {
    let mut config = Config::default();
    config.portal.tls = listener("listener");
    let profile = BackendTls { roots: Some(fixture("ca.pem")), ..BackendTls::default() };
    config.gateway.backend_tls.insert("bank".to_owned(), profile);
    assert!(!format!("{config:?}").contains("BEGIN"));
}

#[test]
fn check_tells_until_when_certificates_hold_and_knows_an_instance_over_tls() {
    let dir = stopped_instance("tls-check");
    let file = |name: &str| fixture(name).to_str().unwrap().to_owned();
    let of = |pair: &str| [file(&format!("{pair}.pem")), file(&format!("{pair}.key"))];
    let ([certificate, key], [expired, expired_key]) = (of("listener"), of("expired"));
    let tls = [("PORTICO_OPERATIONS_TLS_CERTIFICATE", &*certificate), ("PORTICO_OPERATIONS_TLS_KEY", &*key)];
    let serving = Serving::start(&dir, &tls);
    let listeners = [
        ("PORTICO_PORTAL_LISTEN", &*serving.portal),
        ("PORTICO_GATEWAY_PRODUCTION_LISTEN", &*serving.production),
        ("PORTICO_GATEWAY_SANDBOX_LISTEN", &*serving.sandbox),
        ("PORTICO_OPERATIONS_LISTEN", &*serving.operations),
    ];
    let check = |variables: &[(&str, &str)]| run(portico(&dir, variables).arg("check"), "");
    let during = check(&[&listeners[..], &tls].concat());
    assert_eq!(during.status, Some(0), "{during:?}");
    assert!(during.stdout.contains("ok    certificates: operations.tls until 2120-01-01\n"), "{during:?}");
    assert!(during.stdout.contains("ok    ports: used by a running Portico\n"), "{during:?}");

    let plain = check(&[]);
    assert!(plain.stdout.contains("ok    certificates: none; every listener speaks plain HTTP\n"), "{plain:?}");
    let old = check(&[("PORTICO_PORTAL_TLS_CERTIFICATE", &expired), ("PORTICO_PORTAL_TLS_KEY", &expired_key)]);
    assert_eq!(old.status, Some(1));
    let line = "FAIL  certificates: portal.tls.certificate: the certificate expired on 2021-01-01\n";
    assert!(old.stdout.contains(line), "{old:?}");
    let wrong = check(&[("PORTICO_PORTAL_TLS_CERTIFICATE", &certificate), ("PORTICO_PORTAL_TLS_KEY", &expired_key)]);
    assert!(wrong.stdout.contains("FAIL  certificates: portal.tls.key: "), "{wrong:?}");
}
