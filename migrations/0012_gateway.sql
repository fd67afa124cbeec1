-- What the gateway does for an API beyond routing, and quotas of plans.

-- The policies of an API, as `portico::base::policy::Policies` writes them.
alter table apis add column policies jsonb not null default '{}';

-- So many calls in a calendar day or month (UTC), apart from the rate; null: no quota.
alter table plans
    add column quota_count bigint check (quota_count > 0),
    add column quota_unit  text   check (quota_unit in ('day', 'month')),
    add constraint plans_quota_check check ((quota_count is null) = (quota_unit is null));

-- Calls that were handed out to the processes of the gateway, by what the quota belongs to (a subscription, an API, an
-- operation) and by period. `used` never exceeds the quota; what a process that died had in hand is lost.
-- owner: usage
create table quota_periods (
    subject text   not null check (length(subject) between 1 and 300),
    period  date   not null,               -- first day, UTC
    used    bigint not null check (used >= 0),
    primary key (subject, period)
) with (fillfactor = 50);
create index quota_periods_period on quota_periods (period);
