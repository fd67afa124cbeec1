-- Usage by the hour, which pages read, and an index for the trail of an application.

-- What usage_minutes has, summed by the hour (UTC): written along with it and kept as long. A month of a busy application
-- or API is then read in milliseconds. The key is in the order of writing, as that of usage_minutes is.
-- owner: usage
create table usage_hours (
    hour           timestamptz not null,
    api_id         uuid        not null,
    version        text        not null,
    application_id uuid        not null,            -- all zero: no application
    credential     text        not null,
    environment    text        not null check (environment in ('production', 'sandbox')),
    status_class   smallint    not null,
    operation      text        not null check (length(operation) <= 500),
    requests       bigint      not null,
    request_bytes  bigint      not null,
    response_bytes bigint      not null,
    duration_us    bigint      not null,
    latency        bigint[]    not null default '{}',
    primary key (hour, api_id, version, application_id, credential, environment, status_class, operation)
) with (fillfactor = 70);
create index usage_hours_application on usage_hours (application_id, hour); -- the usage of an application
create index usage_hours_api on usage_hours (api_id, hour);                 -- the usage of an API

with counted as (
    select date_trunc('hour', minute, 'UTC') as hour, api_id, version, application_id, credential, environment, status_class,
        operation, sum(requests) as requests, sum(request_bytes) as request_bytes, sum(response_bytes) as response_bytes,
        sum(duration_us) as duration_us
    from usage_minutes
    group by 1, 2, 3, 4, 5, 6, 7, 8
), timed as (
    select hour, api_id, version, application_id, credential, environment, status_class, operation,
        array_agg(256 * calls + bucket order by bucket) as latency
    from (
        select date_trunc('hour', minute, 'UTC') as hour, api_id, version, application_id, credential, environment,
            status_class, operation, e & 255 as bucket, sum(e >> 8)::bigint as calls
        from usage_minutes, unnest(latency) as e
        group by 1, 2, 3, 4, 5, 6, 7, 8, 9
    ) s
    group by 1, 2, 3, 4, 5, 6, 7, 8
)
insert into usage_hours
    (hour, api_id, version, application_id, credential, environment, status_class, operation,
     requests, request_bytes, response_bytes, duration_us, latency)
select hour, api_id, version, application_id, credential, environment, status_class, operation,
    requests, request_bytes, response_bytes, duration_us, coalesce(latency, '{}')
from counted
left join timed using (hour, api_id, version, application_id, credential, environment, status_class, operation);

-- The trail is read backwards, page by page.
drop index audit_events_application;
create index audit_events_application on audit_events (application_id, at desc, id desc) where application_id is not null;
