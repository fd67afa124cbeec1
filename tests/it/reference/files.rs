//! The OpenAPI file for download.

use super::with_orders;
use crate::support::http;
use crate::support::visitor::Visitor;
use serde_json::Value;

#[tokio::test]
async fn the_file_is_downloaded_with_the_servers_of_the_gateway() {
    let app = with_orders().await;
    let page = Visitor::new(&app).open("/apis/orders/v1/reference").await;
    let read = async |label: &str, kind: &str, extension: &str| {
        let answer = http::get(&app.portal(&page.link(label)), &[]).await;
        assert_eq!(answer.header("content-type"), kind);
        let name = format!("attachment; filename=\"orders-1.0-default.{extension}\"");
        assert_eq!(answer.header("content-disposition"), name);
        assert!(!answer.text().contains("inside.example"), "where the backend is, is nobody's business");
        answer.text()
    };
    let json: Value = serde_json::from_str(&read("OpenAPI (JSON)", "application/json", "json").await).unwrap();
    let yaml = read("OpenAPI (YAML)", "application/yaml", "yaml").await;
    assert!(yaml.starts_with("openapi: \"3.1.0\"\nservers:\n  - url: \"http"), "{yaml}");
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), json);
    let (production, sandbox) = (&app.app.urls.production, &app.app.urls.sandbox);
    let urls: Vec<_> =
        json["servers"].as_array().unwrap().iter().map(|server| server["url"].as_str().unwrap()).collect();
    assert_eq!(urls, [format!("{production}/shop/orders/v1"), format!("{sandbox}/shop/orders/v1")]);
    assert_eq!(json["paths"]["/orders"]["post"]["operationId"], "placeOrder");
    let mut visitor = Visitor::new(&app);
    assert_eq!(visitor.open("/apis/orders/v1/definition").await.at, "/apis/orders/v1/openapi.yaml?endpoint=default");
}
