-- Which APIs the applications of somebody are subscribed to is asked for every page of the catalogue: both indexes hold the state
-- too, which decides what counts, so that the rows themselves are not read.
drop index subscriptions_api;
create index subscriptions_api on subscriptions (api_id, major, created_at desc, id desc) include (application_id, state);
create index subscriptions_application on subscriptions (application_id) include (api_id, major, state);
