-- +goose Up
-- Times are microseconds since 1970, UTC. Text is compared byte for byte,
-- whatever the collation of the database.

CREATE TABLE auth_users (
	id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	email         TEXT COLLATE "C" NOT NULL UNIQUE,
	password_hash TEXT   NOT NULL,
	stamp         TEXT   NOT NULL,
	version       BIGINT NOT NULL,
	created       BIGINT NOT NULL,
	updated       BIGINT NOT NULL,
	confirmed     BIGINT, -- NULL: not yet
	disabled      BIGINT  -- NULL: the account is on
);

CREATE TABLE auth_credentials (
	kind    TEXT COLLATE "C" NOT NULL,
	id      TEXT COLLATE "C" NOT NULL,
	user_id TEXT COLLATE "C" NOT NULL,
	name    TEXT   NOT NULL,
	data    BYTEA,
	created BIGINT NOT NULL,
	used    BIGINT, -- NULL: never
	expires BIGINT, -- NULL: never
	version BIGINT NOT NULL,
	PRIMARY KEY (kind, id)
);

CREATE INDEX auth_credentials_user_id ON auth_credentials (user_id, kind);
CREATE INDEX auth_credentials_expires ON auth_credentials (expires);

CREATE TABLE auth_sessions (
	id        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	user_id   TEXT COLLATE "C" NOT NULL, -- empty: nobody is logged in
	created   BIGINT NOT NULL,
	last_seen BIGINT NOT NULL,
	expires   BIGINT NOT NULL,
	address   TEXT   NOT NULL,
	agent     TEXT   NOT NULL,
	data      BYTEA
);

CREATE INDEX auth_sessions_user_id ON auth_sessions (user_id);
CREATE INDEX auth_sessions_expires ON auth_sessions (expires);
