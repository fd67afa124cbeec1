-- What long lists need, so that a far page costs little more than the first.

-- Holds what decides who sees a card, so that a page far down skips the cards before it without reading them.
drop index api_cards_title;
create index api_cards_title on api_cards (sort_title, name, major desc) include (api_id, visibility, audience);

-- Only the sweep asks by time alone, and rows come in order of time: so a small index will do, and none that the list of
-- an application's latest calls could be read from in the wrong order.
drop index refusals_at;
create index refusals_at on refusals using brin (at) with (pages_per_range = 16);

-- A card's name in `among`, which somebody with a thousand applications asks for by the thousand.
alter table api_cards add column key text not null generated always as (api_id::text || '.' || major::text) stored;
create unique index api_cards_key on api_cards (key);

create or replace function card_matches(card api_cards, f card_filter) returns boolean
language sql stable parallel safe as $$
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
        and (f.among is null or card.key = any (f.among))
        and (not f.only_open or card.is_open)
$$;
