-- When somebody put the first steps on their home page away; null: they are shown until they are done.
alter table users add column first_steps_hidden_at timestamptz;

-- The home page names the newest of one's applications; the credential that called first is found through them.
create index applications_owner_created on applications (owner_id, created_at desc);
