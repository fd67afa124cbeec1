//! "Share": the dialog with e-mail chips on Enter and Confirm, what the reader of an application sees, and the end of it.

use crate::guide::reader::Reader;
use crate::pages::faults;
use crate::support::app::TestApp;
use crate::support::{make, shop};

async fn follow_the_guide(scripts: bool) {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    make::developer(&app, "bob").await;
    shop::application(&app, &ada, "Shop").await;
    let ada = Reader::start(&app, scripts).await;
    ada.sign_in("ada").await;
    ada.click("Applications").await;
    ada.click("Shop").await;
    ada.click("Share").await;
    ada.see("Share Application").await;
    if ada.has_scripts() {
        // Each address becomes a chip on Enter; a wrong one is named and can be taken back.
        for address in ["bob@example.com", "eve@example"] {
            ada.fill("E-mail addresses", address).await;
            ada.press_enter("E-mail addresses").await;
        }
        ada.see("eve@example: not a complete address.").await;
        assert_eq!(faults(&ada.browser, "share-dialog").await, Vec::<String>::new());
        ada.click("Remove eve@example").await;
        ada.fill("E-mail addresses", "zoe@example.com").await;
        ada.press_enter("E-mail addresses").await;
    } else {
        ada.fill("E-mail addresses", "bob@example.com, zoe@example.com").await;
    }
    ada.click("Confirm").await;
    ada.see("Shared with").await;
    ada.see("zoe@example.com").await;
    ada.click("Overview").await;
    ada.see("Shared with").await;
    ada.see("bob@example.com").await;

    // Who reads it sees it, and can change nothing.
    let bob = Reader::start(&app, scripts).await;
    bob.sign_in("bob").await;
    bob.click("Applications").await;
    bob.click("Shop").await;
    bob.see("Read only, shared by ada@example.com").await;
    bob.click("Sandbox").await;
    bob.see("Application Keys").await;
    assert!(!bob.sees("Generate Credentials").await && !bob.sees("Generate Token").await);

    // Removed, it is gone.
    ada.click("Share").await;
    ada.see("Share Application").await;
    ada.click("Remove bob@example.com").await;
    ada.see("It is no longer shared with them.").await;
    bob.click("Applications").await;
    bob.see("My Applications").await;
    assert!(!bob.sees("Shop").await);
}

#[tokio::test]
async fn share_with_scripts() {
    follow_the_guide(true).await;
}

#[tokio::test]
async fn share_without_scripts() {
    follow_the_guide(false).await;
}
