-- Mails that wait to be sent, and the one-time links of people who have no account yet.

-- No secret is here: a letter says what it is about, and the link in it is made when it is sent. A row goes once it was.
-- owner: mail
create table mails (
    id         uuid        primary key,
    recipient  text        not null check (recipient = lower(recipient)),
    letter     jsonb       not null,
    queued_at  timestamptz not null,
    due_at     timestamptz not null,
    attempts   integer     not null default 0
);
create index mails_due on mails (due_at);

-- What has been asked for lately, so that nobody can make us write to somebody for ever.
-- owner: mail
create table mail_requests (
    subject      text        not null,         -- digest of an address or a network, never the value itself
    requested_at timestamptz not null
);
create index mail_requests_subject on mail_requests (subject, requested_at);
create index mail_requests_requested_at on mail_requests (requested_at);

-- `sign_up` makes an account for the address to which the link was sent.
-- owner: accounts
alter table account_links
    add column email text check (email = lower(email)),
    add column name  text not null default '';
alter table account_links drop constraint account_links_purpose_check, drop constraint account_links_check;
alter table account_links
    add constraint account_links_purpose_check check (purpose in ('first_admin', 'set_password', 'sign_up')),
    add constraint account_links_user_check check ((purpose = 'set_password') = (user_id is not null)),
    add constraint account_links_sign_up_check check ((purpose = 'sign_up') = (email is not null));
create index account_links_user on account_links (user_id);
create index account_links_email on account_links (email);
create index account_links_expires on account_links (expires_at);
