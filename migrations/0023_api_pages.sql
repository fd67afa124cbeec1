-- What an API's page tells beside its routes: whom to ask, when a version ends, documents that are links or files. And
-- the way from an API to its usage and its refused calls.

-- owner: catalog
alter table apis add column support text not null default '';   -- an e-mail address or a URL

-- The day on which a version that is on its way out shall be gone.
-- owner: catalog
alter table api_versions add column sunset_on date;

-- owner: catalog
alter table api_documents
    add column kind       text  not null default 'markdown' check (kind in ('markdown', 'link', 'file')),
    add column link       text  not null default '',            -- where a link leads
    add column file_name  text  not null default '',            -- what a download is called
    add column media_type text  not null default '',
    add column content    bytea,                                -- the bytes of a file
    add column digest     bytea check (digest is null or octet_length(digest) = 32), -- SHA-256 of them
    add constraint api_documents_file_check check ((kind = 'file') = (content is not null) and (kind = 'file') = (digest is not null));

-- The latest refused calls of an API.
create index refusals_api on refusals (api_id, at desc, id desc) where api_id is not null;

-- Whom a publisher has as subscribers, in order.
drop index subscriptions_api;
create index subscriptions_api on subscriptions (api_id, major, created_at desc, id desc);
