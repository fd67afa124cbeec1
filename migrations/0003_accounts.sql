-- owner: accounts
create table users (
    id            uuid        primary key,
    email         text        not null constraint users_email_lower check (email = lower(email)),
    name          text        not null,
    password_hash text,                      -- argon2id in PHC form; null until the person has set one
    disabled_at   timestamptz,
    created_at    timestamptz not null,
    constraint users_email_key unique (email)
);

-- owner: accounts
create table roles (
    name       text        primary key constraint roles_name_check check (name ~ '^[a-z][a-z0-9-]{0,62}$'),
    title      text        not null,
    built_in   boolean     not null default false,
    created_at timestamptz not null default now()
);
insert into roles (name, title, built_in) values
    ('admin', 'Administrator', true),
    ('publisher', 'Publisher', true),
    ('developer', 'Developer', true),
    ('production', 'May hold production credentials', true);

-- owner: accounts
create table role_grants (
    user_id    uuid        not null references users on delete cascade,
    role       text        not null references roles,
    granted_at timestamptz not null,
    primary key (user_id, role)
);
create index role_grants_role on role_grants (role);

-- The cookie holds the secret; only its SHA-256 digest is here.
-- owner: accounts
create table sessions (
    id           uuid        primary key,
    digest       bytea       not null constraint sessions_digest_key unique check (octet_length(digest) = 32),
    user_id      uuid        not null references users on delete cascade,
    created_at   timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at   timestamptz not null,
    user_agent   text        not null default ''
);
create index sessions_user on sessions (user_id);
create index sessions_expires on sessions (expires_at);

-- One-time links: `first_admin` makes the first administrator, `set_password` lets a user choose one.
-- owner: accounts
create table account_links (
    digest     bytea       primary key check (octet_length(digest) = 32),
    purpose    text        not null check (purpose in ('first_admin', 'set_password')),
    user_id    uuid        references users on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at    timestamptz,
    check ((purpose = 'set_password') = (user_id is not null))
);

-- Failed sign-ins (and, later, client authentications) by whom and from where; forgotten after a success.
-- owner: accounts
create table login_failures (
    subject    text        not null,         -- digest of the e-mail address or client id, never the value typed
    address    text        not null,
    failures   integer     not null,
    last_at    timestamptz not null,
    primary key (subject, address)
);
