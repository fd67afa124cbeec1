-- What may narrow an API key, who owns an API, and what a key is for.

-- owner: credentials
alter table api_keys
    add column expires_at timestamptz,                     -- null: never
    add column addresses  cidr[] not null default '{}',    -- client networks it may be used from; none: from anywhere
    add column operations text[] not null default '{}',    -- `GET /orders/{id}` as in the definition; none: all
    add column purpose    text   not null default 'key' check (purpose in ('key', 'test')); -- test: minted by try-it, soon gone
create index api_keys_expires on api_keys (expires_at) where expires_at is not null;
create index api_keys_application on api_keys (application_id);

drop trigger announce_update on api_keys;
create trigger announce_update
    after update of digest, previous_digest, previous_expires_at, environment, endpoint, major, api_id, expires_at, addresses, operations
    on api_keys for each row execute function announce_application();

-- People who see all API keys of their API, beside administrators. Known by e-mail address: they may not have an account yet.
-- owner: catalog
create table api_owners (
    api_id uuid not null references apis on delete cascade,
    email  text not null check (email = lower(email)),
    primary key (api_id, email)
);
create index api_owners_email on api_owners (email);
