-- Keys that sign tokens. The private part is AES-256-GCM under the instance's master key, bound to the kid.
-- next: published, does not sign yet; current: signs; retired: verifies until `gone_at`.
-- owner: oauth
create table signing_keys (
    kid           text        primary key,
    algorithm     text        not null check (algorithm in ('ES256', 'RS256')),
    state         text        not null check (state in ('next', 'current', 'retired')),
    public_jwk    jsonb       not null,
    private_key   bytea       not null,
    created_at    timestamptz not null,        -- published since
    current_since timestamptz,
    gone_at       timestamptz,
    check ((state = 'next') = (current_since is null)),
    check ((state = 'retired') = (gone_at is not null))
);
create unique index signing_keys_next_key on signing_keys (algorithm) where state = 'next';
create unique index signing_keys_current_key on signing_keys (algorithm) where state = 'current';

create trigger announce after insert or update or delete on signing_keys for each statement execute function announce_signing_keys();
