-- Who did what, when. Written in the transaction of the act itself.
-- owner: audit
create table audit_events (
    id             uuid        primary key,
    at             timestamptz not null,
    actor_id       uuid,                     -- null: the command line or the instance itself
    actor          text        not null,     -- e-mail address, or `command line`
    action         text        not null,     -- `api_key.generated`, `application.deleted` …
    application_id uuid,                     -- so that an owner can read an application's trail
    subject        text        not null,     -- id or name of what was acted on
    detail         jsonb       not null default '{}'
);
create index audit_events_at on audit_events (at desc);
create index audit_events_application on audit_events (application_id, at desc) where application_id is not null;
