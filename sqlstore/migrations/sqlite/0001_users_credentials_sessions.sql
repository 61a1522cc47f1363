-- +goose Up
-- Times are microseconds since 1970, UTC. Text is compared byte for byte.

CREATE TABLE auth_users (
	id            TEXT    NOT NULL PRIMARY KEY,
	email         TEXT    NOT NULL UNIQUE,
	password_hash TEXT    NOT NULL,
	stamp         TEXT    NOT NULL,
	version       INTEGER NOT NULL,
	created       INTEGER NOT NULL,
	updated       INTEGER NOT NULL,
	confirmed     INTEGER, -- NULL: not yet
	disabled      INTEGER  -- NULL: the account is on
) STRICT;

CREATE TABLE auth_credentials (
	kind    TEXT    NOT NULL,
	id      TEXT    NOT NULL,
	user_id TEXT    NOT NULL,
	name    TEXT    NOT NULL,
	data    BLOB,
	created INTEGER NOT NULL,
	used    INTEGER, -- NULL: never
	expires INTEGER, -- NULL: never
	version INTEGER NOT NULL,
	PRIMARY KEY (kind, id)
) STRICT;

CREATE INDEX auth_credentials_user_id ON auth_credentials (user_id, kind);
CREATE INDEX auth_credentials_expires ON auth_credentials (expires);

CREATE TABLE auth_sessions (
	id        TEXT    NOT NULL PRIMARY KEY,
	user_id   TEXT    NOT NULL, -- empty: nobody is logged in
	created   INTEGER NOT NULL,
	last_seen INTEGER NOT NULL,
	expires   INTEGER NOT NULL,
	address   TEXT    NOT NULL,
	agent     TEXT    NOT NULL,
	data      BLOB
) STRICT;

CREATE INDEX auth_sessions_user_id ON auth_sessions (user_id);
CREATE INDEX auth_sessions_expires ON auth_sessions (expires);
