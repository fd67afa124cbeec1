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
-- subscriptions; `subject_id` says which) or `signing_key`. One row a transaction and subject.
-- owner: triggers
create table gateway_changes (
    id          bigint      generated always as identity primary key,
    revision    bigint      constraint gateway_changes_revision_key unique, -- null until the transaction commits
    subject     text        not null check (subject in ('catalog', 'application', 'signing_key')),
    subject_id  uuid,
    transaction xid8        not null default pg_current_xact_id(),
    changed_at  timestamptz not null default now()
);
-- Only of what is not numbered yet: a restored dump holds transaction numbers that the new cluster will use again.
create unique index gateway_changes_once_key on gateway_changes (transaction, subject, subject_id)
    nulls not distinct where revision is null;
create index gateway_changes_changed_at on gateway_changes (changed_at);

create function record_gateway_change(subject text, subject_id uuid) returns void language sql as $$
    insert into gateway_changes (subject, subject_id) values (subject, subject_id) on conflict do nothing
$$;

-- The number is drawn at commit: the one row that every change must lock is then held for a moment, after all other
-- locks, so activities neither wait for one another's whole transaction nor deadlock on it.
create function number_gateway_change() returns trigger language plpgsql as $$
declare
    next_revision bigint;
begin
    update gateway_revision set revision = revision + 1 returning revision into next_revision;
    update gateway_changes set revision = next_revision where id = new.id;
    perform pg_notify('portico_gateway', next_revision::text);
    return null;
end $$;
create constraint trigger number after insert on gateway_changes
    deferrable initially deferred for each row execute function number_gateway_change();

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
