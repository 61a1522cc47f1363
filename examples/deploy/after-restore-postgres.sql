-- PostgreSQL 13 or newer. Run it after a backup was restored, and before the shop is started.
-- Sessions, on Redis too, that were ended after the backup do not come back, nor do links in mails that were used.
UPDATE auth_users SET stamp = gen_random_uuid()::text, version = version + 1;
DELETE FROM auth_sessions;
DELETE FROM auth_credentials WHERE kind IN ('confirm', 'change', 'reset');
