-- The authorization server: scopes, grants of users, codes, refresh tokens, consents, devices, revocations.

-- What a scope of an API is called and, in words, what it lets an application do (the consent page shows them).
-- `roles`: only users with one of them may grant it, and no application may have it without a user; empty: everybody.
-- owner: catalog
create table api_scopes (
    api_id   uuid    not null references apis on delete cascade,
    name     text    not null constraint api_scopes_name_check check (name ~ '^[!#-\[\]-~]{1,100}$'), -- RFC 6749 §3.3
    title    text    not null default '',
    roles    text[]  not null default '{}',
    position integer not null,
    manifest_title text,                    -- as the manifest has it, maybe empty; null: only an OpenAPI file names it
    primary key (api_id, name)
);

-- Whether the API has scopes at all: false where its OpenAPI files describe the OAuth of its backend.
alter table apis add column has_scopes boolean not null default true;

-- The scopes that the file names: [{"name": …, "title": …}].
alter table api_definitions add column scopes jsonb not null default '[]';

-- Clients that may introspect tokens meant for the API (RFC 7662 §2.1): its resource servers.
-- owner: catalog
create table api_resource_servers (
    api_id    uuid not null references apis on delete cascade,
    client_id text not null,
    primary key (api_id, client_id)
);

-- The scopes that an access token needs: alternatives, each a set separated by spaces. None: any token will do.
alter table api_operations add column scopes text[] not null default '{}';

create trigger announce after insert or update or delete on api_scopes for each statement execute function announce_catalog();
create trigger announce after insert or update or delete on api_resource_servers for each statement execute function announce_catalog();
create trigger announce after insert or update or delete on api_operations for each statement execute function announce_catalog();

-- Credentials that were generated directly on an API, for testing, live in an application of this kind: it is not
-- listed, is subscribed to that API alone, and becomes an ordinary one when its owner says so.
alter table applications
    add column direct_api_id uuid references apis on delete cascade,
    add column direct_major  integer,
    add check ((direct_api_id is null) = (direct_major is null));
create unique index applications_direct_key on applications (owner_id, direct_api_id, direct_major) where direct_api_id is not null;
-- Their names are nobody's choice, and in nobody's way.
drop index applications_owner_name_key;
create unique index applications_owner_name_key on applications (owner_id, lower(name)) where direct_api_id is null;

-- `scopes`: what the client may ask for; null: every scope of the APIs its application is subscribed to, and those of
-- OpenID Connect. `allowed_origins`: origins of its redirect URIs and `cors_origins`, whose pages may read the answers.
alter table clients
    add column scopes                    text[],
    add column post_logout_redirect_uris text[]  not null default '{}',
    add column cors_origins              text[]  not null default '{}',
    add column allowed_origins           text[]  not null default '{}',
    add column refresh_leeway_seconds    integer not null default 5 check (refresh_leeway_seconds between 0 and 60),
    add column jwks                      jsonb;
create index clients_pkce_plain_allowed on clients (id) where pkce_plain_allowed; -- the metadata asks whether there is one
create index clients_allowed_origins on clients using gin (allowed_origins);

drop trigger announce_update on clients;
create trigger announce_update after update of grant_types, is_public, environment, pkce_mandatory, pkce_plain_allowed, redirect_uris,
        access_token_seconds, refresh_token_seconds, id_token_seconds, scopes, post_logout_redirect_uris, cors_origins,
        allowed_origins, refresh_leeway_seconds, jwks on clients
    for each row execute function announce_application();

create function announce_client_secret() returns trigger language plpgsql as $$
declare
    application uuid;
begin
    -- A client that was deleted along with its secrets has announced itself.
    select application_id into application from clients where id = coalesce(new.client_id, old.client_id);
    if application is not null then
        perform record_gateway_change('application', application);
    end if;
    return null;
end $$;
create trigger announce after insert or update or delete on client_secrets for each row execute function announce_client_secret();

-- What a user has let a client do, once: all codes, refresh tokens and access tokens of that consent. `id` is the
-- claim `gid` of its access tokens. `tokens_until`: when the last of those ends.
-- owner: oauth
create table grants (
    id           uuid        primary key,
    client_id    text        not null references clients on delete cascade,
    user_id      uuid        not null references users on delete cascade,
    grant_type   text        not null,
    scopes       text[]      not null,
    resources    text[]      not null default '{}',
    auth_time    timestamptz not null,
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    tokens_until timestamptz not null,
    ended_at     timestamptz,
    end_reason   text,
    check ((ended_at is null) = (end_reason is null))
);
create index grants_user on grants (user_id);
create index grants_client on grants (client_id);
create index grants_expires on grants (expires_at);

-- owner: oauth
create table authorization_codes (
    digest           bytea       primary key check (octet_length(digest) = 32),
    grant_id         uuid        not null references grants on delete cascade,
    redirect_uri     text        not null,
    challenge        text,
    challenge_method text        check (challenge_method in ('S256', 'plain')),
    nonce            text,
    expires_at       timestamptz not null,
    used_at          timestamptz,
    check ((challenge is null) = (challenge_method is null))
);
create index authorization_codes_grant on authorization_codes (grant_id);

-- One row a generation. The newest has no `used_at`.
-- owner: oauth
create table refresh_tokens (
    digest     bytea       primary key check (octet_length(digest) = 32),
    grant_id   uuid        not null references grants on delete cascade,
    generation integer     not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at    timestamptz,
    constraint refresh_tokens_generation_key unique (grant_id, generation)
);

-- What a user has agreed to, so that the question is not asked again.
-- owner: oauth
create table consents (
    user_id    uuid        not null references users on delete cascade,
    client_id  text        not null references clients on delete cascade,
    scopes     text[]      not null,
    granted_at timestamptz not null,
    primary key (user_id, client_id)
);

-- An authorization request whose answer waits for the user: signing in, consenting.
-- owner: oauth
create table authorization_requests (
    digest     bytea       primary key check (octet_length(digest) = 32),
    client_id  text        not null references clients on delete cascade,
    parameters jsonb       not null,
    address    text        not null,       -- network it came from: the number that may wait is bounded
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index authorization_requests_address on authorization_requests (address);
create index authorization_requests_expires on authorization_requests (expires_at);

-- RFC 8628. Both codes as digests. `scopes`: what was asked for; null: nothing in particular, so what the user may grant.
-- owner: oauth
create table device_codes (
    digest           bytea       primary key check (octet_length(digest) = 32),
    user_code        bytea       not null constraint device_codes_user_code_key unique check (octet_length(user_code) = 32),
    client_id        text        not null references clients on delete cascade,
    scopes           text[],
    resources        text[]      not null default '{}',
    address          text        not null,
    interval_seconds integer     not null,
    polled_at        timestamptz,
    created_at       timestamptz not null,
    expires_at       timestamptz not null,
    denied_at        timestamptz,
    grant_id         uuid        references grants on delete cascade  -- set when the user has agreed
);
create index device_codes_expires on device_codes (expires_at);
create index device_codes_address on device_codes (address);
create index device_codes_client on device_codes (client_id);

-- `jti` of client assertions that were used (RFC 7523 §3).
-- owner: oauth
create table client_assertions (
    client_id  text        not null references clients on delete cascade,
    jti        bytea       not null check (octet_length(jti) = 32),
    expires_at timestamptz not null,
    primary key (client_id, jti)
);
create index client_assertions_expires on client_assertions (expires_at);

-- What access tokens no longer open anything, until the last such token has ended. `token`: by `jti`; `grant`: by `gid`;
-- `client`: all that the client got before `not_before`.
-- owner: oauth
create table revocations (
    id         uuid        primary key,
    kind       text        not null check (kind in ('token', 'grant', 'client')),
    subject    text        not null,
    client_id  text,                        -- whose it was, to bound how many a client may have
    not_before timestamptz,
    expires_at timestamptz not null,
    constraint revocations_subject_key unique (kind, subject),
    check ((kind = 'client') = (not_before is not null))
);
create index revocations_expires on revocations (expires_at);
create index revocations_client on revocations (client_id);

alter table gateway_changes drop constraint gateway_changes_subject_check,
    add constraint gateway_changes_subject_check check (subject in ('catalog', 'application', 'signing_key', 'revocation'));

create function announce_revocation() returns trigger language plpgsql as $$
begin
    perform record_gateway_change('revocation', new.id);
    return null;
end $$;
create trigger announce after insert or update on revocations for each row execute function announce_revocation();

-- A grant that ends, or goes with its client or user, takes its access tokens along: no code path can forget.
-- What has merely expired has no tokens left.
create function revoke_grant() returns trigger language plpgsql as $$
begin
    insert into revocations (id, kind, subject, client_id, expires_at)
    values (gen_random_uuid(), 'grant', old.id::text, old.client_id, old.tokens_until)
    on conflict (kind, subject) do nothing;
    return null;
end $$;
create trigger revoke_ended after update of ended_at on grants for each row
    when (old.ended_at is null and new.ended_at is not null and new.end_reason <> 'expired') execute function revoke_grant();
create trigger revoke_deleted after delete on grants for each row when (old.ended_at is null) execute function revoke_grant();

-- An access token that was being made while its grant ended lives longer than the revocation knows.
create function extend_revocation() returns trigger language plpgsql as $$
begin
    update revocations set expires_at = greatest(expires_at, new.tokens_until)
    where kind = 'grant' and subject = new.id::text and expires_at < new.tokens_until;
    return null;
end $$;
create trigger extend_revocation after update of tokens_until on grants for each row
    when (new.ended_at is not null and new.tokens_until > old.tokens_until) execute function extend_revocation();

-- A new password and a disabled account end everything that the user has granted (RFC 9700 §4.14.2).
alter table users add column password_set_at timestamptz;
create function end_grants_of_user() returns trigger language plpgsql as $$
begin
    if new.disabled_at is not null and old.disabled_at is null then
        update grants set ended_at = new.disabled_at, end_reason = 'user_disabled' where user_id = new.id and ended_at is null;
    elsif new.password_set_at is distinct from old.password_set_at then
        update grants set ended_at = new.password_set_at, end_reason = 'password_changed' where user_id = new.id and ended_at is null;
    end if;
    return null;
end $$;
create trigger end_grants after update of disabled_at, password_set_at on users for each row execute function end_grants_of_user();

-- A grant that is being made while its user is disabled or gets a new password would be missed by the trigger above.
-- The lock makes one of the two wait for the other.
create function refuse_late_grant() returns trigger language plpgsql as $$
declare
    it users%rowtype;
begin
    select * into it from users where id = new.user_id for share;
    if it.disabled_at is not null or new.auth_time < it.password_set_at then
        raise exception 'the user was disabled or has a new password';
    end if;
    return new;
end $$;
create trigger refuse_late before insert on grants for each row execute function refuse_late_grant();
