//! Files that were published by an older release.

use super::with_orders;
use crate::support::visitor::Visitor;
use portico::domain::publishing::reread;

#[tokio::test]
async fn files_of_an_older_release_are_read_again_once() {
    let app = with_orders().await;
    for statement in [
        "delete from api_operation_pages",
        "delete from api_schemas",
        "update api_definitions set reading = 0, about = '{}', as_json = '', as_yaml = ''",
    ] {
        sqlx::query(statement).execute(app.pool()).await.unwrap();
    }
    let page = "/apis/orders/v1/reference/default/place-order";
    assert_eq!(Visitor::new(&app).open(page).await.status(), 404);
    assert_eq!(reread::all(&app.ctx).await.unwrap(), 1);
    assert_eq!(Visitor::new(&app).open(page).await.status(), 200);
    assert_eq!(Visitor::new(&app).open("/apis/orders/v1/openapi.json").await.status(), 200);
    assert_eq!(reread::all(&app.ctx).await.unwrap(), 0);
}
