-- An API key belongs to an application and opens one endpoint of one major version in one environment.
-- The digest is SHA-256 of the key; `previous_*` is the key before the last regeneration, valid until then.
-- owner: credentials
create table api_keys (
    id                  uuid        primary key,
    application_id      uuid        not null references applications on delete cascade,
    api_id              uuid        not null references apis on delete cascade,
    major               integer     not null,
    endpoint            text        not null,
    environment         text        not null check (environment in ('production', 'sandbox')),
    name                text        not null check (length(name) between 1 and 70),
    digest              bytea       not null constraint api_keys_digest_key unique check (octet_length(digest) = 32),
    hint                text        not null,               -- the last four characters, to tell keys apart
    previous_digest     bytea       constraint api_keys_previous_digest_key unique check (octet_length(previous_digest) = 32),
    previous_expires_at timestamptz,
    once                uuid        constraint api_keys_once_key unique,  -- id of the form: a double click makes one key
    created_by          uuid        references users on delete set null,
    created_at          timestamptz not null,
    regenerated_at      timestamptz,
    last_used_at        timestamptz,
    check ((previous_digest is null) = (previous_expires_at is null)),
    constraint api_keys_name_key unique (application_id, api_id, major, environment, name)
);
create index api_keys_api on api_keys (api_id, major, environment);

-- An OAuth client: the Application Keys of one application in one environment. `id` is the consumer key.
-- owner: credentials
create table clients (
    id                    text        primary key check (id ~ '^[A-Za-z0-9]{16,64}$'),
    application_id        uuid        not null references applications on delete cascade,
    environment           text        not null check (environment in ('production', 'sandbox')),
    grant_types           text[]      not null,
    is_public             boolean     not null default false,
    pkce_mandatory        boolean     not null default true,
    pkce_plain_allowed    boolean     not null default false,
    redirect_uris         text[]      not null default '{}',
    access_token_seconds  integer     not null default 900 check (access_token_seconds between 60 and 86400),
    refresh_token_seconds integer     not null default 86400 check (refresh_token_seconds between 300 and 2592000),
    id_token_seconds      integer     not null default 3600 check (id_token_seconds between 60 and 86400),
    created_by            uuid        references users on delete set null,
    created_at            timestamptz not null,
    last_used_at          timestamptz,
    constraint clients_once_key unique (application_id, environment)
);

-- At most two live secrets: after a regeneration the old one lives on until `expires_at`.
-- owner: credentials
create table client_secrets (
    id         uuid        primary key,
    client_id  text        not null references clients on delete cascade,
    digest     bytea       not null constraint client_secrets_digest_key unique check (octet_length(digest) = 32),
    hint       text        not null,
    created_at timestamptz not null,
    expires_at timestamptz                         -- null: the current one
);
create unique index client_secrets_current_key on client_secrets (client_id) where expires_at is null;
create index client_secrets_client on client_secrets (client_id);

create trigger announce after insert or delete on api_keys for each row execute function announce_application();
create trigger announce_update after update of digest, previous_digest, previous_expires_at, environment, endpoint, major, api_id on api_keys
    for each row execute function announce_application();
create trigger announce after insert or delete on clients for each row execute function announce_application();
create trigger announce_update after update of grant_types, is_public, environment on clients
    for each row execute function announce_application();
