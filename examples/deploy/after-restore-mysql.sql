-- MySQL, and MariaDB 10.10 or newer. Run it after a backup was restored, and before the shop is started.
-- Sessions, on Redis too, that were ended after the backup do not come back, nor do links in mails that were used.
UPDATE auth_users SET stamp = lower(hex(random_bytes(16))), version = version + 1;
DELETE FROM auth_sessions;
DELETE FROM auth_credentials WHERE kind IN ('confirm', 'change', 'reset');
