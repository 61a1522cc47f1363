-- +goose Up
-- Times are microseconds since 1970, UTC. Text is kept as bytes (UTF-8): so it is
-- compared byte for byte, with spaces at its end, whatever the collation and the
-- character set of the database and of the connection. To read it:
-- SELECT CONVERT(email USING utf8mb4) FROM auth_users.
--
-- CREATE TABLE cannot be undone here. So each may be repeated, and is followed by
-- a query that fails if somebody else's table has the name.

CREATE TABLE IF NOT EXISTS auth_users (
	id            VARBINARY(255) NOT NULL PRIMARY KEY,
	email         VARBINARY(255) NOT NULL,
	password_hash BLOB           NOT NULL,
	stamp         VARBINARY(255) NOT NULL,
	version       BIGINT         NOT NULL,
	created       BIGINT         NOT NULL,
	updated       BIGINT         NOT NULL,
	confirmed     BIGINT, -- NULL: not yet
	disabled      BIGINT, -- NULL: the account is on
	UNIQUE KEY auth_users_email (email)
) ENGINE = InnoDB;

SELECT id, email, password_hash, stamp, version, created, updated, confirmed, disabled FROM auth_users WHERE 1 = 0;

CREATE TABLE IF NOT EXISTS auth_credentials (
	kind    VARBINARY(100)  NOT NULL,
	id      VARBINARY(1400) NOT NULL,
	user_id VARBINARY(255)  NOT NULL,
	name    BLOB            NOT NULL,
	data    LONGBLOB,
	created BIGINT          NOT NULL,
	used    BIGINT, -- NULL: never
	expires BIGINT, -- NULL: never
	version BIGINT          NOT NULL,
	PRIMARY KEY (kind, id),
	KEY auth_credentials_user_id (user_id, kind),
	KEY auth_credentials_expires (expires)
) ENGINE = InnoDB;

SELECT kind, id, user_id, name, data, created, used, expires, version FROM auth_credentials WHERE 1 = 0;

CREATE TABLE IF NOT EXISTS auth_sessions (
	id        VARBINARY(255) NOT NULL PRIMARY KEY,
	user_id   VARBINARY(255) NOT NULL, -- empty: nobody is logged in
	created   BIGINT         NOT NULL,
	last_seen BIGINT         NOT NULL,
	expires   BIGINT         NOT NULL,
	address   VARBINARY(255) NOT NULL,
	agent     BLOB           NOT NULL,
	data      LONGBLOB,
	KEY auth_sessions_user_id (user_id),
	KEY auth_sessions_expires (expires)
) ENGINE = InnoDB;

SELECT id, user_id, created, last_seen, expires, address, agent, data FROM auth_sessions WHERE 1 = 0;
