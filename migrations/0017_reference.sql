-- What the pages of the reference show, read from the OpenAPI files when they are published, so that no page reads a file.

-- `reading` says which release's reading the rows of a definition come from: a file that was read otherwise is read again.
-- `about` is what stands for the whole file. `as_json` and `as_yaml` are the file without its servers, for download.
alter table api_definitions
    add column reading integer not null default 0,
    add column about   json    not null default '{}',
    add column as_json text    not null default '',
    add column as_yaml text    not null default '';

create index api_definitions_reading_key on api_definitions (reading);

-- One row for each row of api_operations.
-- owner: catalog
create table api_operation_pages (
    endpoint_id uuid    not null,
    position    integer not null,
    slug        text    not null,   -- in URLs
    page        json    not null,
    digest      bytea   not null,   -- of the page: versions are compared by it
    primary key (endpoint_id, position),
    constraint api_operation_pages_slug_key unique (endpoint_id, slug),
    foreign key (endpoint_id, position) references api_operations on delete cascade
);

-- The named schemas of a definition.
-- owner: catalog
create table api_schemas (
    endpoint_id uuid    not null references endpoints on delete cascade,
    name        text    not null,
    position    integer not null,
    page        json    not null,
    digest      bytea   not null,
    primary key (endpoint_id, name)
);
