-- Signing in with the organisation's own OpenID Connect provider. Providers themselves stand in the configuration.

-- Whom a provider means by a subject (OpenID Connect Core §2, `sub`): that, and never an address, tells people apart.
-- owner: accounts
create table identities (
    provider     text        not null,         -- its name in the configuration
    subject      text        not null check (length(subject) between 1 and 255),
    user_id      uuid        not null references users on delete cascade,
    email        text,                         -- as the provider last said it, if it vouched for it
    linked_at    timestamptz not null,
    last_used_at timestamptz not null,
    primary key (provider, subject)
);
create index identities_user on identities (user_id);

-- Sign-ins that have begun and wait for the browser to come back. Only digests are here: state, nonce and the secret of
-- the code exchange are made of what the browser keeps. A row that was used stays until it expires, so that what failed
-- still counts against its network; one that led to a session goes at once.
-- owner: accounts
create table started_sign_ins (
    state      bytea       primary key check (octet_length(state) = 32),
    browser    bytea       not null check (octet_length(browser) = 32),
    provider   text        not null,
    user_id    uuid        references users on delete cascade, -- the member who connects the account; null: a sign-in
    network    text        not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at    timestamptz
);
create index started_sign_ins_network on started_sign_ins (network, created_at);
create index started_sign_ins_user on started_sign_ins (user_id);
create index started_sign_ins_expires on started_sign_ins (expires_at);

-- Which provider gives a role. What somebody may do stands in `role_grants`, whoever gave it; a row there goes with the
-- last of those who gave it.
-- owner: accounts
create table provider_roles (
    user_id    uuid        not null references users on delete cascade,
    provider   text        not null,
    role       text        not null references roles,
    granted_at timestamptz not null,
    primary key (user_id, provider, role)
);
create index provider_roles_role on provider_roles (role);

-- Whether somebody gave the role by hand (the command line, an invitation, signing up).
alter table role_grants add column by_hand boolean not null default true;

-- The provider that the session was opened with; none: a password.
alter table sessions add column provider text;
