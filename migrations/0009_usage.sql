-- Calls per minute. `credential` is the API key's id or the client's id; '' where a call had none.
-- owner: usage
create table usage_minutes (
    minute         timestamptz not null,
    api_id         uuid        not null,
    version        text        not null,            -- major.minor that answered
    application_id uuid        not null,            -- all zero: no application
    credential     text        not null,
    environment    text        not null check (environment in ('production', 'sandbox')),
    status_class   smallint    not null,            -- 2 for 2xx … 5 for 5xx
    requests       bigint      not null,
    request_bytes  bigint      not null,
    response_bytes bigint      not null,
    duration_us    bigint      not null,            -- sum
    primary key (minute, api_id, version, application_id, credential, environment, status_class)
) with (fillfactor = 70);
create index usage_minutes_application on usage_minutes (application_id, minute);
