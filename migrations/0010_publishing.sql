-- Every manifest that changed something, for the record.
-- owner: publishing
create table manifests (
    id         uuid        primary key,
    applied_at timestamptz not null,
    applied_by text        not null,
    changes    jsonb       not null
);
