-- What the catalogue is searched by: a card for each API and major version, written by triggers in the transaction that
-- changes the API, so that a search never lags behind and never shows what its reader may not see.

-- Typing errors are forgiven by trigrams. Trusted since Postgres 13: whoever may create in the database may install it.
create extension if not exists pg_trgm;

-- The roles of `api_audiences` with the API itself, so that the question who sees it needs no other table.
alter table apis add column audience text[] not null default '{}';
update apis a set audience = array(select u.role from api_audiences u where u.api_id = a.id order by u.role);

create function copy_api_audience() returns trigger language plpgsql as $$
begin
    update apis a
    set audience = array(select u.role from api_audiences u where u.api_id = a.id order by u.role)
    where a.id in (select c.api_id from changed c);
    return null;
end $$;
create trigger audience_added after insert on api_audiences
    referencing new table as changed for each statement execute function copy_api_audience();
create trigger audience_changed after update on api_audiences
    referencing new table as changed for each statement execute function copy_api_audience();
create trigger audience_removed after delete on api_audiences
    referencing old table as changed for each statement execute function copy_api_audience();

-- Who may see an API: the one place that decides. It names no table, so the planner writes it into the query that asks.
create function is_visible(visibility text, audience text[], signed_in boolean, roles text[]) returns boolean
language sql immutable parallel safe as $$
    select case visibility
        when 'public' then true
        when 'private' then signed_in
        else signed_in and (roles && array['admin', 'publisher'] or roles && audience)
    end
$$;
create or replace function api_visible(api apis, signed_in boolean, roles text[]) returns boolean
language sql immutable parallel safe as $$
    select is_visible(api.visibility, api.audience, signed_in, roles)
$$;

-- One API and major version as the catalogue lists it. Everything here is copied.
-- owner: triggers
create table api_cards (
    api_id         uuid        not null references apis on delete cascade,
    major          integer     not null,
    versions       text[]      not null,          -- those that are shown: 2.1, 2.0
    minor          integer     not null,          -- the one that answers for the major, and its state
    state          text        not null,
    is_open        boolean     not null,          -- takes new subscriptions
    changed_at     timestamptz not null,
    name           text        not null,
    sort_title     text        not null,
    owner          text        not null,
    tags           text[]      not null,
    tag_keys       text[]      not null,          -- in lower case
    visibility     text        not null,
    audience       text[]      not null,
    takes_api_key  boolean     not null,
    takes_bearer   boolean     not null,
    words          tsvector    not null,          -- A: names, B: tags, owner, summary, description, C: operations, D: documents
    primary key (api_id, major)
);
create index api_cards_words on api_cards using gin (words);
create index api_cards_tags on api_cards using gin (tag_keys);
create index api_cards_title on api_cards (sort_title, name, major desc);
create index api_cards_name on api_cards (name);
create index api_cards_changed on api_cards (changed_at desc, sort_title, name, major desc);

-- Every word of the cards, for finding the one that was meant.
-- owner: triggers
create table search_words (
    word text primary key
);
create index search_words_trigrams on search_words using gin (word gin_trgm_ops);

-- Small letters of every script, whatever the locale of the database is.
do $body$
begin
    execute format(
        'create function small_letters(text text) returns text language sql immutable parallel safe as $$ select lower(text%s) $$',
        case when exists (select from pg_collation where collname = 'und-x-icu') then ' collate "und-x-icu"' else '' end);
end $body$;

-- Words as they are searched for: in small letters, and what stands between them in ASCII is a space.
create function search_text(text text) returns text language sql immutable parallel safe as $$
    select translate(small_letters(text), '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', '                                ')
$$;

-- A word of a query, at the beginning of words, or its English stem, which finds "refunds" for "refund" and the other
-- way round. `weights`: the letters of the parts to look at; '' for all.
create function word_query(word text, weights text) returns tsquery language sql immutable parallel safe as $$
    select case
        when length(stem) >= 3 and starts_with(word, stem) then to_tsquery('simple', '''' || stem || ''':*' || weights)
        when length(stem) >= 3
        then to_tsquery('simple', '''' || word || ''':*' || weights || ' | ''' || stem || ''':*' || weights)
        else to_tsquery('simple', '''' || word || ''':*' || weights)
    end
    from (select (ts_lexize('english_stem', word))[1]) as s(stem)
$$;

-- Writes the cards of these APIs again. A text is cut where its words would not fit into one card (1 MiB).
create function write_api_cards(apis uuid[]) returns void language plpgsql as $$
begin
    delete from api_cards c where c.api_id = any (apis);
    with card as materialized (
        select a.id, v.major, v.versions, v.current_minor, v.state, v.is_open,
            greatest(a.created_at, v.published_at) as changed_at,
            a.name, small_letters(a.title) as sort_title, a.owner, a.tags,
            array(select distinct small_letters(t) from unnest(a.tags) as t) as tag_keys,
            a.visibility, a.audience, a.takes_api_key, a.takes_bearer,
            setweight(to_tsvector('simple', search_text(concat_ws(' ', a.title, a.name, a.context))), 'A')
            || setweight(to_tsvector('simple', search_text(left(
                concat_ws(' ', array_to_string(a.tags, ' '), a.owner, a.summary, a.description), 40000))), 'B')
            || setweight(to_tsvector('simple', search_text(left(coalesce(o.operations, ''), 150000))), 'C')
            || setweight(to_tsvector('simple', search_text(left(coalesce(d.documents, ''), 60000))), 'D') as words
        from apis a
        join lateral (
            select m.major, array_agg(m.major || '.' || m.minor order by m.minor desc) as versions,
                bool_or(m.state = 'published') as is_open,
                max(m.published_at) as published_at,
                (array_agg(m.id order by m.rank, m.minor desc))[1] as current_id,
                (array_agg(m.minor order by m.rank, m.minor desc))[1] as current_minor,
                (array_agg(m.state order by m.rank, m.minor desc))[1] as state
            from (
                select n.id, n.major, n.minor, n.state, n.published_at,
                    array_position(array['published', 'deprecated', 'blocked'], n.state) as rank
                from api_versions n
                where n.api_id = a.id and n.state in ('published', 'deprecated', 'blocked')
            ) m
            group by m.major
        ) v on true
        left join lateral (
            select string_agg(concat_ws(' ', p.path, p.summary, p.operation_id,
                       regexp_replace(p.operation_id, '([a-z0-9])([A-Z])', '\1 \2', 'g'),
                       array_to_string(p.tags, ' ')), ' ' order by e.position, p.position) as operations
            from endpoints e
            join api_operations p on p.endpoint_id = e.id
            where e.api_version_id = v.current_id
        ) o on true
        left join lateral (
            select string_agg(concat_ws(' ', t.title, t.body), ' ' order by t.position) as documents
            from api_documents t
            where t.api_id = a.id
        ) d on true
        where a.id = any (apis)
    ), written as (
        insert into api_cards (api_id, major, versions, minor, state, is_open, changed_at, name, sort_title, owner, tags,
            tag_keys, visibility, audience, takes_api_key, takes_bearer, words)
        select id, major, versions, current_minor, state, is_open, changed_at, name, sort_title, owner, tags, tag_keys,
            visibility, audience, takes_api_key, takes_bearer, words
        from card
    )
    insert into search_words (word)
    select distinct w.word
    from card
    cross join lateral unnest(tsvector_to_array(card.words)) as w(word)
    where length(w.word) between 3 and 40 and w.word !~ '^[0-9]'
    order by w.word
    on conflict do nothing;
end $$;

-- Moves whenever a card does: what was counted at one revision holds until the next.
-- owner: triggers
create table catalogue_revision (
    one      boolean primary key default true check (one),
    revision bigint  not null
);
insert into catalogue_revision values (true, 0);

-- APIs whose cards the transaction has yet to write: once for all that it changes, right before it commits.
-- owner: triggers
create table stale_api_cards (
    api_id uuid primary key
);

create function rewrite_api_cards() returns trigger language plpgsql as $$
declare
    stale uuid[];
begin
    -- The first of the transaction's rows takes all of them.
    with taken as (delete from stale_api_cards returning api_id)
    select array_agg(t.api_id) into stale from taken t;
    if stale is not null then
        perform write_api_cards(stale);
        update catalogue_revision set revision = revision + 1;
    end if;
    return null;
end $$;
create constraint trigger rewrite after insert on stale_api_cards
    deferrable initially deferred for each row execute function rewrite_api_cards();

create function stale_by_api() returns trigger language plpgsql as $$
begin
    insert into stale_api_cards (api_id) select distinct c.id from changed c on conflict do nothing;
    return null;
end $$;
create function stale_by_part() returns trigger language plpgsql as $$
begin
    insert into stale_api_cards (api_id) select distinct c.api_id from changed c on conflict do nothing;
    return null;
end $$;
create function stale_by_version() returns trigger language plpgsql as $$
begin
    insert into stale_api_cards (api_id)
    select distinct v.api_id from changed c join api_versions v on v.id = c.api_version_id
    on conflict do nothing;
    return null;
end $$;
create function stale_by_endpoint() returns trigger language plpgsql as $$
begin
    insert into stale_api_cards (api_id)
    select distinct v.api_id
    from changed c
    join endpoints e on e.id = c.endpoint_id
    join api_versions v on v.id = e.api_version_id
    on conflict do nothing;
    return null;
end $$;

create trigger card_added after insert on apis
    referencing new table as changed for each statement execute function stale_by_api();
create trigger card_changed after update on apis
    referencing new table as changed for each statement execute function stale_by_api();
create trigger card_added after insert on api_versions
    referencing new table as changed for each statement execute function stale_by_part();
create trigger card_changed after update on api_versions
    referencing new table as changed for each statement execute function stale_by_part();
create trigger card_removed after delete on api_versions
    referencing old table as changed for each statement execute function stale_by_part();
create trigger card_added after insert on api_documents
    referencing new table as changed for each statement execute function stale_by_part();
create trigger card_changed after update on api_documents
    referencing new table as changed for each statement execute function stale_by_part();
create trigger card_removed after delete on api_documents
    referencing old table as changed for each statement execute function stale_by_part();
create trigger card_removed after delete on endpoints
    referencing old table as changed for each statement execute function stale_by_version();
create trigger card_added after insert on api_operations
    referencing new table as changed for each statement execute function stale_by_endpoint();
create trigger card_changed after update on api_operations
    referencing new table as changed for each statement execute function stale_by_endpoint();
create trigger card_removed after delete on api_operations
    referencing old table as changed for each statement execute function stale_by_endpoint();

-- What a search asks for; what is null asks for nothing. Those that begin with `in_` are the filters beside the list.
create type card_filter as (
    signed_in       boolean,
    roles           text[],
    query           tsquery,
    phrase          text,      -- the words as they were typed: a title that is or begins with them comes first,
    title_like      text[],    -- then one that has all of them
    all_tags        text[],
    some_tags       text[],
    no_tags         text[],
    owner_like      text[],
    majors          integer[],
    versions        text[],
    schemes         text[],
    visibilities    text[],
    states          text[],
    among           text[],    -- `{API id}.{major}`
    only_open       boolean,   -- to new subscriptions
    in_tags         text[],
    in_owners       text[],
    in_schemes      text[],
    in_visibilities text[],
    in_states       text[]
);

create function is_scheme(takes_api_key boolean, takes_bearer boolean, schemes text[]) returns boolean
language sql immutable parallel safe as $$
    select takes_api_key and 'api-key' = any (schemes) or takes_bearer and 'oauth2' = any (schemes)
        or not takes_api_key and not takes_bearer and 'none' = any (schemes)
$$;

-- Everything but the filters beside the list, whose choices are counted each without itself. Visibility comes first.
create function card_matches(card api_cards, f card_filter) returns boolean language sql stable parallel safe as $$
    select is_visible(card.visibility, card.audience, f.signed_in, f.roles)
        and (f.query is null or card.words @@ f.query)
        and (f.all_tags is null or card.tag_keys @> f.all_tags)
        and (f.some_tags is null or card.tag_keys && f.some_tags)
        and (f.no_tags is null or not card.tag_keys && f.no_tags)
        and (f.owner_like is null or small_letters(card.owner) like any (f.owner_like))
        and (f.majors is null and f.versions is null or card.major = any (f.majors) or card.versions && f.versions)
        and (f.schemes is null or is_scheme(card.takes_api_key, card.takes_bearer, f.schemes))
        and (f.visibilities is null or card.visibility = any (f.visibilities))
        and (f.states is null or card.state = any (f.states))
        and (f.among is null or card.api_id::text || '.' || card.major = any (f.among))
        and (not f.only_open or card.is_open)
$$;
create function card_is_chosen(card api_cards, f card_filter) returns boolean language sql stable parallel safe as $$
    select card_matches(card, f)
        and (f.in_tags is null or card.tags && f.in_tags)
        and (f.in_owners is null or card.owner = any (f.in_owners))
        and (f.in_schemes is null or is_scheme(card.takes_api_key, card.takes_bearer, f.in_schemes))
        and (f.in_visibilities is null or card.visibility = any (f.in_visibilities))
        and (f.in_states is null or card.state = any (f.in_states))
$$;

-- A page of cards in order. Planned anew each time: which index serves depends on what is asked for.
create function search_cards(filter jsonb, newest_first boolean, most integer, past integer)
returns table (api_id uuid, major integer) language plpgsql stable rows 24
set plan_cache_mode = 'force_custom_plan' set jit = 'off' as $$
declare
    f card_filter := jsonb_populate_record(null::card_filter, filter);
begin
    if newest_first then
        return query
            select c.api_id, c.major
            from api_cards c
            where card_is_chosen(c, f)
            order by c.changed_at desc, c.sort_title, c.name, c.major desc
            limit most offset past;
    elsif f.phrase is null then
        return query
            select c.api_id, c.major
            from api_cards c
            where card_is_chosen(c, f)
            order by c.sort_title, c.name, c.major desc
            limit most offset past;
    else
        return query
            select c.api_id, c.major
            from api_cards c
            where card_is_chosen(c, f)
            order by case
                    when c.sort_title = f.phrase or c.name = replace(f.phrase, ' ', '-') then 0
                    when starts_with(c.sort_title, f.phrase) then 1
                    when c.sort_title like all (f.title_like) then 2
                    else 3
                end, c.sort_title, c.name, c.major desc
            limit most offset past;
    end if;
end $$;

-- How many cards there are, and with each choice of each filter.
create function count_cards(filter jsonb) returns jsonb language plpgsql stable
set plan_cache_mode = 'force_custom_plan' set jit = 'off' as $$
declare
    f card_filter := jsonb_populate_record(null::card_filter, filter);
begin
    return (
        with base as materialized (
            select c.tags, c.owner, c.visibility, c.state, c.takes_api_key, c.takes_bearer,
                f.in_tags is null or c.tags && f.in_tags as t,
                f.in_owners is null or c.owner = any (f.in_owners) as o,
                f.in_schemes is null or is_scheme(c.takes_api_key, c.takes_bearer, f.in_schemes) as a,
                f.in_visibilities is null or c.visibility = any (f.in_visibilities) as v,
                f.in_states is null or c.state = any (f.in_states) as s
            from api_cards c
            where card_matches(c, f)
        )
        select jsonb_build_object(
            'tags', (
                select coalesce(jsonb_agg(jsonb_build_array(x.tag, x.cards)), '[]')
                from (
                    select t.tag, count(*) as cards
                    from base b
                    cross join lateral unnest(b.tags) as t(tag)
                    where b.o and b.a and b.v and b.s
                    group by t.tag
                    order by coalesce(t.tag = any (f.in_tags), false) desc, count(*) desc, t.tag
                    limit 20
                ) x
            ),
            'owners', (
                select coalesce(jsonb_agg(jsonb_build_array(x.owner, x.cards)), '[]')
                from (
                    select b.owner, count(*) as cards
                    from base b
                    where b.owner <> '' and b.t and b.a and b.v and b.s
                    group by b.owner
                    order by coalesce(b.owner = any (f.in_owners), false) desc, count(*) desc, b.owner
                    limit 10
                ) x
            )
        ) || (
            select jsonb_build_object(
                'all', count(*),
                'total', count(*) filter (where b.t and b.o and b.a and b.v and b.s),
                'schemes', jsonb_build_array(
                    jsonb_build_array('api-key', count(*) filter (where b.t and b.o and b.v and b.s and b.takes_api_key)),
                    jsonb_build_array('oauth2', count(*) filter (where b.t and b.o and b.v and b.s and b.takes_bearer)),
                    jsonb_build_array('none', count(*) filter (
                        where b.t and b.o and b.v and b.s and not b.takes_api_key and not b.takes_bearer))),
                'visibilities', jsonb_build_array(
                    jsonb_build_array('public', count(*) filter (where b.t and b.o and b.a and b.s and b.visibility = 'public')),
                    jsonb_build_array('private', count(*) filter (where b.t and b.o and b.a and b.s and b.visibility = 'private')),
                    jsonb_build_array('restricted', count(*) filter (
                        where b.t and b.o and b.a and b.s and b.visibility = 'restricted'))),
                'states', jsonb_build_array(
                    jsonb_build_array('published', count(*) filter (where b.t and b.o and b.a and b.v and b.state = 'published')),
                    jsonb_build_array('deprecated', count(*) filter (where b.t and b.o and b.a and b.v and b.state = 'deprecated')),
                    jsonb_build_array('blocked', count(*) filter (where b.t and b.o and b.a and b.v and b.state = 'blocked'))))
            from base b
        )
    );
end $$;

do $$ begin perform write_api_cards(array(select id from apis)); end $$;
