//! The sample backend of the demo: a pet store and a ledger, kept in memory, on a free port of the loopback address.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;

/// How many pets and transfers it remembers: a demo that runs for months must not grow.
const MOST: usize = 1000;

/// Starts it; it ends with the process. Production and sandbox are two folders of the same server with data of their own, so that a call shows
/// which one it reached.
pub(super) async fn start() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .nest("/production", environment("production"))
        .nest("/sandbox", environment("sandbox"))
        .fallback(async || problem(StatusCode::NOT_FOUND, "There is nothing here."));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the sample backend has stopped");
        }
    });
    Ok(address)
}

fn environment(name: &'static str) -> Router {
    let store = Store { environment: name, data: Arc::default() };
    store.seed();
    Router::new()
        .route("/petstore/pets", get(list_pets).post(add_pet))
        .route("/petstore/pets/{id}", get(show_pet).delete(remove_pet))
        .route("/petstore/pets/{id}/vaccinations", get(vaccinations))
        .route("/ledger/accounts", get(list_accounts))
        .route("/ledger/accounts/{id}", get(show_account))
        .route("/ledger/transfers", post(transfer))
        .route("/ledger/transfers/{id}", get(show_transfer))
        .with_state(store)
}

#[derive(Clone)]
struct Store {
    environment: &'static str,
    data: Arc<Mutex<Data>>,
}

#[derive(Default)]
struct Data {
    pets: Vec<Pet>,
    next_pet: u64,
    accounts: Vec<Account>,
    transfers: Vec<Transfer>,
}

#[derive(Clone, Serialize)]
struct Pet {
    id: u64,
    name: String,
    species: String,
}

#[derive(Clone, Serialize)]
struct Account {
    id: String,
    owner: String,
    currency: &'static str,
    cents: i64,
}

#[derive(Clone, Serialize)]
struct Transfer {
    id: u64,
    from: String,
    to: String,
    cents: i64,
}

#[derive(Deserialize)]
struct PetQuery {
    limit: Option<usize>,
    species: Option<String>,
}

#[derive(Deserialize)]
struct NewPet {
    name: String,
    species: String,
}

#[derive(Deserialize)]
struct NewTransfer {
    from: String,
    to: String,
    cents: i64,
}

impl Store {
    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seed(&self) {
        let mut data = self.data();
        for (name, species) in [("Mochi", "cat"), ("Rex", "dog"), ("Pip", "parrot")] {
            data.next_pet += 1;
            let id = data.next_pet;
            data.pets.push(Pet { id, name: name.to_owned(), species: species.to_owned() });
        }
        for (id, owner, cents) in [("acc-1", "Ada", 125_000), ("acc-2", "Grace", 98_050), ("acc-3", "Edsger", 4_200)] {
            data.accounts.push(Account { id: id.to_owned(), owner: owner.to_owned(), currency: "EUR", cents });
        }
    }
}

fn problem(status: StatusCode, detail: &str) -> Response {
    (status, Json(json!({ "error": detail }))).into_response()
}

fn found<T: Serialize>(item: Option<T>) -> Response {
    item.map_or_else(|| problem(StatusCode::NOT_FOUND, "No such thing."), |item| Json(item).into_response())
}

async fn list_pets(State(store): State<Store>, Query(query): Query<PetQuery>) -> Json<Value> {
    let wanted = |pet: &&Pet| query.species.as_ref().is_none_or(|species| *species == pet.species);
    let pets: Vec<Pet> = store.data().pets.iter().filter(wanted).take(query.limit.unwrap_or(20)).cloned().collect();
    Json(json!({ "environment": store.environment, "pets": pets }))
}

async fn add_pet(State(store): State<Store>, Json(new): Json<NewPet>) -> Response {
    let mut data = store.data();
    if data.pets.len() >= MOST {
        return problem(StatusCode::CONFLICT, "The store is full.");
    }
    data.next_pet += 1;
    let pet = Pet { id: data.next_pet, name: new.name, species: new.species };
    data.pets.push(pet.clone());
    (StatusCode::CREATED, Json(pet)).into_response()
}

async fn show_pet(State(store): State<Store>, Path(id): Path<u64>) -> Response {
    found(store.data().pets.iter().find(|pet| pet.id == id).cloned())
}

async fn remove_pet(State(store): State<Store>, Path(id): Path<u64>) -> Response {
    let mut data = store.data();
    let before = data.pets.len();
    data.pets.retain(|pet| pet.id != id);
    if data.pets.len() == before { found(None::<Pet>) } else { StatusCode::NO_CONTENT.into_response() }
}

async fn vaccinations(State(store): State<Store>, Path(id): Path<u64>) -> Response {
    let pet = store.data().pets.iter().find(|pet| pet.id == id).cloned();
    found(pet.map(|pet| json!({ "pet": pet.id, "vaccinations": [{ "against": "rabies", "on": "2026-03-14" }] })))
}

async fn list_accounts(State(store): State<Store>) -> Json<Value> {
    Json(json!({ "environment": store.environment, "accounts": store.data().accounts.clone() }))
}

async fn show_account(State(store): State<Store>, Path(id): Path<String>) -> Response {
    found(store.data().accounts.iter().find(|account| account.id == id).cloned())
}

async fn transfer(State(store): State<Store>, Json(new): Json<NewTransfer>) -> Response {
    let mut data = store.data();
    let known = |id: &str| data.accounts.iter().any(|account| account.id == id);
    if new.cents <= 0 || new.from == new.to || !known(&new.from) || !known(&new.to) {
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "A transfer moves a positive amount between two accounts.");
    }
    for account in &mut data.accounts {
        if account.id == new.from {
            account.cents = account.cents.saturating_sub(new.cents);
        } else if account.id == new.to {
            account.cents = account.cents.saturating_add(new.cents);
        }
    }
    let id = data.transfers.last().map_or(1, |last| last.id + 1);
    let transfer = Transfer { id, from: new.from, to: new.to, cents: new.cents };
    data.transfers.push(transfer.clone());
    if data.transfers.len() > MOST {
        data.transfers.remove(0);
    }
    (StatusCode::CREATED, Json(transfer)).into_response()
}

async fn show_transfer(State(store): State<Store>, Path(id): Path<u64>) -> Response {
    found(store.data().transfers.iter().find(|transfer| transfer.id == id).cloned())
}
