-- What the gateway follows: a number that moves with every change it must know, and a log of what changed.
-- Triggers move it, so no code path can forget. The row lock makes revisions commit in order: whoever has
-- read everything up to revision N has missed nothing below it.

-- owner: triggers
create table gateway_revision (
    one      boolean primary key default true check (one),
    revision bigint  not null
);
insert into gateway_revision values (true, 0);

-- `subject` says what to forget: `catalog` (routes, plans), `application` (its keys, clients and
-- subscriptions; `subject_id` says which) or `signing_key`.
-- owner: triggers
create table gateway_changes (
    revision   bigint      primary key,
    subject    text        not null check (subject in ('catalog', 'application', 'signing_key')),
    subject_id uuid,
    changed_at timestamptz not null default now()
);
create index gateway_changes_changed_at on gateway_changes (changed_at);

create function record_gateway_change(subject text, subject_id uuid) returns void language plpgsql as $$
declare
    next_revision bigint;
begin
    update gateway_revision set revision = revision + 1 returning revision into next_revision;
    insert into gateway_changes (revision, subject, subject_id) values (next_revision, subject, subject_id);
    perform pg_notify('portico_gateway', next_revision::text);
end $$;

-- For tables whose every change means "read the route table again".
create function announce_catalog() returns trigger language plpgsql as $$
begin
    perform record_gateway_change('catalog', null);
    return null;
end $$;

create function announce_signing_keys() returns trigger language plpgsql as $$
begin
    perform record_gateway_change('signing_key', null);
    return null;
end $$;

-- For tables with an `application_id`: one change for each application touched.
create function announce_application() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        perform record_gateway_change('application', old.application_id);
    else
        perform record_gateway_change('application', new.application_id);
    end if;
    return null;
end $$;
