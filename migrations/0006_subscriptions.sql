-- A plan: so many requests per unit of time, and how many may come at once.
-- owner: subscriptions
create table plans (
    id           uuid        primary key,
    name         text        not null constraint plans_name_key unique check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    title        text        not null,
    description  text        not null default '',
    rate_count   integer     check (rate_count > 0),                                   -- null: unlimited
    rate_unit    text        check (rate_unit in ('second', 'minute', 'hour', 'day')),
    burst        integer     check (burst > 0),
    retired_at   timestamptz,
    created_at   timestamptz not null,
    check ((rate_count is null) = (rate_unit is null)),
    check ((rate_count is null) = (burst is null))
);

-- Plans to start with; a manifest may change or retire them.
insert into plans (id, name, title, description, rate_count, rate_unit, burst, created_at) values
    (gen_random_uuid(), 'bronze', 'Bronze', 'To try things out', 1000, 'minute', 1000, now()),
    (gen_random_uuid(), 'silver', 'Silver', 'For steady traffic', 2000, 'minute', 2000, now()),
    (gen_random_uuid(), 'gold', 'Gold', 'For busy applications', 5000, 'minute', 5000, now()),
    (gen_random_uuid(), 'unlimited', 'Unlimited', 'As many requests as you like', null, null, null, now());

-- The plans under which an API may be subscribed.
-- owner: subscriptions
create table api_plans (
    api_id   uuid    not null references apis on delete cascade,
    plan_id  uuid    not null references plans,
    position integer not null,
    primary key (api_id, plan_id)
);

-- A subscription covers every minor of one major version.
-- owner: subscriptions
create table subscriptions (
    id             uuid        primary key,
    application_id uuid        not null references applications on delete cascade,
    api_id         uuid        not null references apis on delete cascade,
    major          integer     not null,
    plan_id        uuid        not null references plans,
    state          text        not null default 'active' check (state in ('active', 'blocked')),
    created_at     timestamptz not null,
    constraint subscriptions_once_key unique (application_id, api_id, major)
);
create index subscriptions_api on subscriptions (api_id, major);
create index subscriptions_plan on subscriptions (plan_id);

create trigger announce after insert or update or delete on plans for each statement execute function announce_catalog();
create trigger announce after insert or update or delete on subscriptions for each row execute function announce_application();
