-- Subscriptions that somebody has to approve, and what a publisher has stopped; requests for a role.

alter table plans add column needs_approval boolean not null default false;

-- `requested_at` is there while a decision is awaited: about the subscription itself (`pending`), or about a change of its
-- plan, until which the plan it has stays in force.
-- owner: subscriptions
alter table subscriptions
    drop constraint subscriptions_state_check,
    add constraint subscriptions_state_check
        check (state in ('pending', 'active', 'production_blocked', 'blocked', 'rejected')),
    add column reason         text not null default '' check (length(reason) <= 500),        -- of a rejection or block
    add column requested_at   timestamptz,
    add column change_plan_id uuid references plans,
    add column change_state   text check (change_state in ('requested', 'rejected')),
    add column change_reason  text not null default '' check (length(change_reason) <= 500), -- of its rejection
    add constraint subscriptions_change_check check ((change_plan_id is null) = (change_state is null)),
    add constraint subscriptions_requested_check
        check ((requested_at is not null) = (state = 'pending' or coalesce(change_state = 'requested', false)));
create index subscriptions_requested on subscriptions (requested_at, id) where requested_at is not null;
create index subscriptions_requested_api on subscriptions (api_id, requested_at, id) where requested_at is not null;
create index subscriptions_change_plan on subscriptions (change_plan_id) where change_plan_id is not null;

-- Who asks for a role: at most one row for each, which goes when the role is granted.
-- owner: accounts
create table role_requests (
    user_id      uuid        not null references users on delete cascade,
    role         text        not null references roles,
    state        text        not null check (state in ('open', 'rejected')),
    note         text        not null default '' check (length(note) <= 500),
    reason       text        not null default '' check (length(reason) <= 500),
    requested_at timestamptz not null,
    primary key (user_id, role)
);
create index role_requests_open on role_requests (requested_at, user_id) where state = 'open';
