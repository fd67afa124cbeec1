-- owner: catalog
create table apis (
    id             uuid        primary key,
    name           text        not null constraint apis_name_key unique,       -- in URLs of the portal and in manifests
    title          text        not null,
    context        text        not null constraint apis_context_key unique,    -- first path segments at the gateway, without slashes at the ends
    summary        text        not null default '',
    description    text        not null default '',                            -- Markdown
    owner          text        not null default '',                            -- team or person to ask
    tags           text[]      not null default '{}',
    visibility     text        not null check (visibility in ('public', 'private', 'restricted')),
    takes_api_key  boolean     not null,
    takes_bearer   boolean     not null,
    api_key_header text        not null default 'api-key',
    bearer_header  text        not null default 'authorization',
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    constraint apis_name_check check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')
);

-- Which roles see a restricted API.
-- owner: catalog
create table api_audiences (
    api_id uuid not null references apis on delete cascade,
    role   text not null references roles,
    primary key (api_id, role)
);

-- owner: catalog
create table api_versions (
    id           uuid        primary key,
    api_id       uuid        not null references apis on delete cascade,
    major        integer     not null check (major between 0 and 9999),
    minor        integer     not null check (minor between 0 and 9999),
    state        text        not null check (state in ('draft', 'published', 'deprecated', 'blocked', 'retired')),
    changelog    text        not null default '',
    created_at   timestamptz not null,
    published_at timestamptz,
    constraint api_versions_number_key unique (api_id, major, minor)
);

-- A version has one endpoint at path '' or several, each below a path of its own. The name is what an API key
-- is bound to, so it means the same thing in every minor of a major.
-- owner: catalog
create table endpoints (
    id             uuid    primary key,
    api_version_id uuid    not null references api_versions on delete cascade,
    name           text    not null check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    title          text    not null default '',
    path           text    not null default '',   -- '' or 'orders' or 'orders/eu'
    position       integer not null,
    constraint endpoints_name_key unique (api_version_id, name),
    constraint endpoints_path_key unique (api_version_id, path) deferrable initially deferred -- two may swap their paths
);

-- owner: catalog
create table endpoint_backends (
    endpoint_id uuid not null references endpoints on delete cascade,
    environment text not null check (environment in ('production', 'sandbox')),
    url         text not null,
    primary key (endpoint_id, environment)
);

-- The OpenAPI file as it was published, byte for byte, so that `export` writes back what `apply` read.
-- owner: catalog
create table api_definitions (
    endpoint_id     uuid    primary key references endpoints on delete cascade,
    source          text    not null,
    format          text    not null check (format in ('json', 'yaml')),
    openapi_version text    not null,
    title           text    not null,
    digest          bytea   not null
);

-- owner: catalog
create table api_operations (
    endpoint_id  uuid    not null references endpoints on delete cascade,
    position     integer not null,
    method       text    not null,
    path         text    not null,
    operation_id text    not null default '',
    summary      text    not null default '',
    tags         text[]  not null default '{}',
    deprecated   boolean not null default false,
    primary key (endpoint_id, position)
);

-- owner: catalog
create table api_documents (
    id       uuid    primary key,
    api_id   uuid    not null references apis on delete cascade,
    name     text    not null,
    title    text    not null,
    body     text    not null,                   -- Markdown
    position integer not null,
    constraint api_documents_name_key unique (api_id, name)
);

create trigger announce after insert or update or delete on apis for each statement execute function announce_catalog();
create trigger announce after insert or update or delete on api_versions for each statement execute function announce_catalog();
create trigger announce after insert or update or delete on endpoints for each statement execute function announce_catalog();
create trigger announce after insert or update or delete on endpoint_backends for each statement execute function announce_catalog();

-- Who may see an API: the one place that decides, for pages, search, subscribing and keys alike.
-- Administrators and publishers see every API.
create function api_visible(api apis, signed_in boolean, roles text[]) returns boolean language sql stable as $$
    select case api.visibility
        when 'public' then true
        when 'private' then signed_in
        else signed_in and (
            roles && array['admin', 'publisher']
            or exists (select from api_audiences a where a.api_id = api.id and a.role = any (roles))
        )
    end
$$;
