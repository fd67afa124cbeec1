-- Trying APIs out: how many test credentials a member has made lately is asked of the audit trail.

-- owner: audit
create index audit_events_actor on audit_events (actor_id, at desc) where actor_id is not null;
