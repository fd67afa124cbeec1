-- Usage by operation, with latencies; batches that count once; definitions that are told apart without reading them.

-- Another one each time the operations of the endpoint are written: who has read them need not read them again.
alter table api_definitions add column mark uuid not null default gen_random_uuid();

-- `operation` is the method and the path template below the version, such as 'GET /pets/{id}'; '' where no operation of
-- the OpenAPI file was called.
-- `latency` has an element for each bucket of durations with a call in it: 256 × calls + bucket, in order of the buckets
-- (see `portico::base::latency`).
alter table usage_minutes
    add column operation text     not null default '' check (length(operation) <= 500),
    add column latency   bigint[] not null default '{}',
    drop constraint usage_minutes_pkey,
    add primary key (minute, api_id, version, application_id, credential, environment, status_class, operation);

-- The sum of two latencies.
create function latency_sum(a bigint[], b bigint[]) returns bigint[] language sql immutable parallel safe as $$
    select coalesce(array_agg(256 * s.calls + s.bucket order by s.bucket), '{}')
    from (
        select (e & 255) as bucket, sum(e >> 8)::bigint as calls
        from unnest(a || b) as e
        group by 1
    ) s
$$;

-- Each process that writes usage, and the last of its batches that was written: one whose answer was lost is known when
-- it comes again.
-- owner: usage
create table usage_writers (
    id         bigint      generated always as identity primary key,
    batch      bigint      not null default 0,
    written_at timestamptz not null
) with (fillfactor = 50);
create index usage_writers_written on usage_writers (written_at);
