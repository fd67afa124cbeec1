-- Refused calls of applications, which their members look up by request id.

-- `credential` is the API key's id or the client's id. Neither has to exist any more, nor has the API.
-- owner: usage
create table refusals (
    id             bigint      generated always as identity primary key,
    request_id     text        not null check (length(request_id) between 1 and 128),
    at             timestamptz not null,
    application_id uuid        not null references applications on delete cascade,
    credential     text        not null,
    environment    text        not null check (environment in ('production', 'sandbox')),
    api_id         uuid,
    version        text,
    method         text        not null check (length(method) <= 20),
    path           text        not null check (length(path) <= 300),
    reason         text        not null,            -- the label of the gateway's refusal
    check ((api_id is null) = (version is null))
);
create index refusals_request on refusals (request_id);
create index refusals_application on refusals (application_id, at desc, id desc);
create index refusals_at on refusals (at);

-- Refused calls that are not kept one by one, because there were too many of them.
-- owner: usage
create table omitted_refusals (
    application_id uuid        not null references applications on delete cascade,
    hour           timestamptz not null,
    calls          bigint      not null check (calls > 0),
    primary key (application_id, hour)
);
