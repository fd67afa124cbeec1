-- Fills an empty, migrated database: :apis APIs and :applications applications with subscriptions, keys and usage.
-- By hand: psql -v apis=10000 -v applications=100000 -f benches/portal/generate.sql DATABASE
-- Triggers would announce each row to a gateway that is not there yet; what they keep is written once at the end.

alter table apis disable trigger user;
alter table api_audiences disable trigger user;
alter table api_versions disable trigger user;
alter table endpoints disable trigger user;
alter table endpoint_backends disable trigger user;
alter table api_operations disable trigger user;
alter table api_documents disable trigger user;
alter table applications disable trigger user;
alter table subscriptions disable trigger user;
alter table api_keys disable trigger user;
alter table clients disable trigger user;
alter table client_secrets disable trigger user;

-- The same number is the same id, so that rows can be told to one another without looking them up.
create function pg_temp.id(kind text, n bigint) returns uuid language sql immutable as $$
    select md5(kind || n)::uuid
$$;
create function pg_temp.pick(words text[], n bigint) returns text language sql immutable as $$
    select words[1 + n % cardinality(words)]
$$;

insert into roles (name, title)
select 'team-' || n, 'Team ' || n from generate_series(1, 20) n;

insert into users (id, email, name, created_at)
select pg_temp.id('user', n), 'user' || n || '@example.com', 'User ' || n, now() - interval '1 day' * (n % 1000)
from generate_series(1, :applications / 5) n;

insert into role_grants (user_id, role, granted_at)
values (pg_temp.id('user', 1), 'developer', now()), (pg_temp.id('user', 1), 'production', now()),
    (pg_temp.id('user', 2), 'admin', now());

-- APIs: a name of three words, of which the number makes each different.
insert into apis (id, name, title, context, summary, description, owner, tags, visibility, audience, takes_api_key,
    takes_bearer, created_at, updated_at)
select pg_temp.id('api', n), 'api-' || n, initcap(w.title) || ' ' || n, 'generated/api-' || n,
    'Everything about ' || w.title || ' for ' || w.audience || '.',
    'Ask for ' || w.title || E', change it and hear when it changes.\n\n## Before you start\n\nCreate an application.',
    initcap(w.audience) || ' team',
    array(select distinct t from unnest(array[w.area, w.thing, w.audience, w.kind]) t),
    w.visibility, case when w.visibility = 'restricted' then array['team-' || 1 + n % 20] else '{}' end,
    n % 3 <> 0, n % 3 <> 1, now() - interval '1 hour' * n, now() - interval '1 hour' * n
from generate_series(1, :apis) n
cross join lateral (
    select pg_temp.pick(array['payments', 'accounts', 'identity', 'shipping', 'weather', 'billing', 'catalogue',
            'inventory', 'messages', 'maps', 'translation', 'insurance'], n) as area,
        pg_temp.pick(array['orders', 'invoices', 'customers', 'forecasts', 'parcels', 'balances', 'quotes', 'routes',
            'claims', 'contracts', 'products', 'reviews', 'refunds', 'statements', 'policies', 'places', 'prices'],
            n / 12) as thing,
        pg_temp.pick(array['partners', 'merchants', 'couriers', 'analysts', 'developers', 'branches', 'farmers',
            'drivers', 'doctors', 'teachers'], n / 7) as audience,
        pg_temp.pick(array['internal', 'beta', 'core', 'legacy', 'open', 'batch'], n / 5) as kind,
        pg_temp.pick(array['public', 'public', 'private', 'public', 'restricted', 'public', 'private', 'public',
            'public', 'private'], n) as visibility
) k
cross join lateral (select k.*, k.area || ' ' || k.thing as title) w;

insert into api_audiences (api_id, role)
select a.id, r.role from apis a cross join lateral unnest(a.audience) as r(role);

-- Every third API has a second major; every major has two minors.
insert into api_versions (id, api_id, major, minor, state, changelog, created_at, published_at, deprecated_at)
select pg_temp.id('version', n * 100 + major * 10 + minor), pg_temp.id('api', n), major, minor,
    case when major = 1 and n % 9 = 0 then 'deprecated' else 'published' end, 'Better than before.',
    now() - interval '1 hour' * n, now() - interval '1 hour' * n,
    case when major = 1 and n % 9 = 0 then now() - interval '1 minute' * n end
from generate_series(1, :apis) n
cross join generate_series(1, 2) major
cross join generate_series(0, 1) minor
where major = 1 or n % 3 = 0;

insert into endpoints (id, api_version_id, name, path, position)
select md5('endpoint' || v.id::text)::uuid, v.id, 'default', '', 0 from api_versions v;
insert into endpoint_backends (endpoint_id, environment, url)
select e.id, x.environment, 'http://127.0.0.1:1' from endpoints e cross join (values ('production'), ('sandbox')) x(environment);

-- Eight operations each, and a definition that has them.
insert into api_operations (endpoint_id, position, method, path, operation_id, summary, tags)
select e.id, o.position, o.method, '/' || t.thing || o.path, o.verb || initcap(t.thing) || o.suffix,
    initcap(o.verb) || ' ' || t.thing, array[t.thing]
from apis a
cross join lateral (select coalesce(substring(a.title from '^\S+ (\S+)'), 'things')) as x(word)
cross join lateral (select lower(x.word) as thing) t
join api_versions v on v.api_id = a.id
join endpoints e on e.api_version_id = v.id
cross join (values
    (0, 'GET', '', 'list', ''), (1, 'POST', '', 'create', ''), (2, 'GET', '/{id}', 'read', ''),
    (3, 'PUT', '/{id}', 'replace', ''), (4, 'PATCH', '/{id}', 'change', ''), (5, 'DELETE', '/{id}', 'delete', ''),
    (6, 'GET', '/{id}/events', 'watch', 'Events'), (7, 'POST', '/{id}/cancellation', 'cancel', '')
) as o(position, method, path, verb, suffix);

insert into api_definitions (endpoint_id, source, format, openapi_version, title, digest)
select e.id, jsonb_build_object('openapi', '3.1.0', 'info', jsonb_build_object('title', a.title, 'version', '1'),
        'paths', p.paths)::text, 'json', '3.1.0', a.title, sha256(a.name::bytea)
from apis a
join api_versions v on v.api_id = a.id
join endpoints e on e.api_version_id = v.id
cross join lateral (
    select jsonb_object_agg(m.path, m.methods) as paths
    from (
        select o.path, jsonb_object_agg(lower(o.method), jsonb_build_object('summary', o.summary, 'operationId', o.operation_id,
                'responses', jsonb_build_object('200', jsonb_build_object('description', 'Done.')))) as methods
        from api_operations o
        where o.endpoint_id = e.id
        group by o.path
    ) m
) p;

insert into api_documents (id, api_id, name, title, body, position)
select md5('document' || a.id::text)::uuid, a.id, 'start', 'Getting started',
    'Create an application, subscribe it to **' || a.title || E'** and generate an API key.\n\nThen call it.', 0
from apis a;

insert into api_plans (api_id, plan_id, position)
select a.id, p.id, case p.name when 'bronze' then 0 else 1 end from apis a join plans p on p.name in ('bronze', 'gold');

-- Applications: the first person has a thousand of them, everybody else a few.
insert into applications (id, owner_id, name, description, created_at, updated_at)
select pg_temp.id('application', n),
    pg_temp.id('user', case when n <= 1000 then 1 else 1 + n % (:applications / 5) end),
    'Application ' || n, 'Made by the generator.', now() - interval '1 minute' * n, now() - interval '1 minute' * n
from generate_series(1, :applications) n;

insert into application_shares (application_id, email, shared_at)
select pg_temp.id('application', n), 'user' || 1 + (n * 7) % (:applications / 5) || '@example.com', now()
from generate_series(1, :applications, 5) n;

-- Three subscriptions each, two keys, and for every second one an OAuth client.
insert into subscriptions (id, application_id, api_id, major, plan_id, created_at)
select pg_temp.id('subscription', n * 3 + k), pg_temp.id('application', n), a.id, 1, p.id, now()
from generate_series(1, :applications) n
cross join generate_series(0, 2) k
join apis a on a.id = pg_temp.id('api', 1 + (n * 31 + k * 7) % :apis)
join plans p on p.name = 'bronze'
on conflict do nothing;

insert into api_keys (id, application_id, api_id, major, endpoint, environment, name, digest, hint, created_by, created_at)
select pg_temp.id('key', n * 2 + k), pg_temp.id('application', n), pg_temp.id('api', 1 + (n * 31 + k * 7) % :apis), 1,
    'default', case k when 0 then 'sandbox' else 'production' end, 'key-' || k, sha256(('key' || n || k)::bytea), 'abcd',
    pg_temp.id('user', case when n <= 1000 then 1 else 1 + n % (:applications / 5) end), now() - interval '1 minute' * n
from generate_series(1, :applications) n
cross join generate_series(0, 1) k;

insert into clients (id, application_id, environment, grant_types, created_at)
select md5('client' || n), pg_temp.id('application', n), 'sandbox', '{client_credentials}', now()
from generate_series(1, :applications, 2) n;
insert into client_secrets (id, client_id, digest, hint, created_at)
select md5('secret' || c.id)::uuid, c.id, sha256(('secret' || c.id)::bytea), 'abcd', now() from clients c;

-- What happened: an audit trail, calls of the last two weeks, and some that were refused.
insert into audit_events (id, at, actor_id, actor, action, application_id, subject)
select pg_temp.id('event', n), now() - interval '1 minute' * n, pg_temp.id('user', 1), 'user1@example.com',
    'application.edited', pg_temp.id('application', 1 + n % :applications),
    pg_temp.id('application', 1 + n % :applications)::text
from generate_series(1, :applications) n;

insert into usage_minutes (minute, api_id, version, application_id, credential, environment, status_class, operation,
    requests, request_bytes, response_bytes, duration_us, latency)
select date_trunc('minute', now()) - interval '97 minutes' * (n / 10), pg_temp.id('api', 1 + (n % 10 * 31) % :apis), '1.1',
    pg_temp.id('application', 1 + n % 10), pg_temp.id('key', (1 + n % 10) * 2)::text, 'sandbox',
    case when n % 17 = 0 then 4 else 2 end, 'GET /orders', 1 + n % 50, 100, 1000, 20000, array[256 * (1 + n % 50) + 90]
from generate_series(0, 1999) n;

insert into usage_hours (hour, api_id, version, application_id, credential, environment, status_class, operation,
    requests, request_bytes, response_bytes, duration_us, latency)
select date_trunc('hour', minute, 'UTC'), api_id, version, application_id, credential, environment, status_class, operation,
    sum(requests), sum(request_bytes), sum(response_bytes), sum(duration_us), array[256 * sum(requests)::bigint + 90]
from usage_minutes
group by 1, 2, 3, 4, 5, 6, 7, 8;

insert into refusals (request_id, at, application_id, credential, environment, method, path, reason)
select 'request-' || n, now() - interval '1 minute' * n, pg_temp.id('application', 1 + n % 10),
    pg_temp.id('key', (1 + n % 10) * 2)::text, 'sandbox', 'GET', '/orders', 'rate_limited'
from generate_series(1, 2000) n;

analyze;

-- What the triggers would have done.
select write_api_cards(array(select id from apis));
select record_gateway_change('catalog', null);

alter table apis enable trigger user;
alter table api_audiences enable trigger user;
alter table api_versions enable trigger user;
alter table endpoints enable trigger user;
alter table endpoint_backends enable trigger user;
alter table api_operations enable trigger user;
alter table api_documents enable trigger user;
alter table applications enable trigger user;
alter table subscriptions enable trigger user;
alter table api_keys enable trigger user;
alter table clients enable trigger user;
alter table client_secrets enable trigger user;
