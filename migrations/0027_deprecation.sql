-- Since when a version is deprecated, which every answer of it says (RFC 9745). For those that are already, since now.
-- owner: catalog
alter table api_versions add column deprecated_at timestamptz;
update api_versions set deprecated_at = now() where state = 'deprecated';
alter table api_versions
    add constraint api_versions_deprecated_check check ((state = 'deprecated') = (deprecated_at is not null));
