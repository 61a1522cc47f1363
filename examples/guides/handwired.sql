ALTER TABLE users ADD COLUMN stamp TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN updated INTEGER NOT NULL DEFAULT 0; -- microseconds since 1970
ALTER TABLE users ADD COLUMN confirmed INTEGER;                  -- the same; NULL: not yet
ALTER TABLE users ADD COLUMN disabled INTEGER;                   -- the same; NULL: the account is on
