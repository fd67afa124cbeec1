-- owner: applications
create table applications (
    id          uuid        primary key,
    owner_id    uuid        not null references users on delete cascade,
    name        text        not null check (length(name) between 1 and 70),
    description text        not null default '' check (length(description) <= 512),
    token_type  text        not null default 'JWT' check (token_type in ('JWT')),
    status      text        not null default 'active' check (status in ('active')),
    created_at  timestamptz not null,
    updated_at  timestamptz not null
);
create unique index applications_owner_name_key on applications (owner_id, lower(name));

-- Read-only members. An e-mail address may wait here for a person who has not registered yet.
-- owner: applications
create table application_shares (
    application_id uuid        not null references applications on delete cascade,
    email          text        not null check (email = lower(email)),
    shared_at      timestamptz not null,
    primary key (application_id, email)
);
create index application_shares_email on application_shares (email);

create function announce_application_itself() returns trigger language plpgsql as $$
begin
    perform record_gateway_change('application', coalesce(new.id, old.id));
    return null;
end $$;
create trigger announce after update or delete on applications for each row execute function announce_application_itself();
