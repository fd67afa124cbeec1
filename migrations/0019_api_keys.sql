-- What lists tell of API keys without adding up minutes, and what the secret before the last regeneration still did.

-- owner: credentials
alter table api_keys
    add column calls             bigint      not null default 0 check (calls >= 0),           -- with it, by either secret
    add column previous_calls    bigint      not null default 0 check (previous_calls >= 0),  -- by the old secret since the last regeneration
    add column previous_used_at  timestamptz,                                                 -- the last of those, to the minute
    add column previous_hint     text;                                                        -- the old secret's last four characters

-- Test keys are found by what they are for: lists leave them out.
drop index api_keys_api;
create index api_keys_api on api_keys (api_id, major, environment, lower(name), id) where purpose = 'key';
drop index api_keys_application;
create index api_keys_application on api_keys (application_id, environment, lower(name), id);
