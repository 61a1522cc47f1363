UPDATE auth_users SET
	password_hash = 'compromised:' || password_hash,
	stamp = lower(hex(randomblob(16))),
	version = version + 1
WHERE password_hash <> '' AND password_hash NOT LIKE 'compromised:%';
DELETE FROM auth_sessions;
