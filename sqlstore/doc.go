// Package sqlstore keeps users, credentials and sessions in a database, through
// database/sql. It imports no driver: the application chooses one.
//
//	db, err := sql.Open("sqlite", "file:app.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
//	…
//	store := sqlstore.New(db, sqlstore.SQLite)
//	if _, err := store.Migrate(ctx); err != nil { … }
//
// # Storage
//
// There are three tables, and auth_migrations, which [Store.Migrate] keeps:
//
//	auth_users        id, email, password_hash, stamp, version,
//	                  created, updated, confirmed, disabled
//	auth_credentials  kind, id, user_id, name, data, created, used, expires, version
//	auth_sessions     id, user_id, created, last_seen, expires, address, agent, data
//
// Times are integers: microseconds since 1970, UTC. Where a zero time has a
// meaning ("not confirmed", "never used", "never expires") the column is NULL,
// so that SQL reads as it should:
//
//	SELECT email FROM auth_users WHERE disabled IS NOT NULL
//
// The database itself keeps emails unique, and compares them byte for byte.
// No foreign key ties the tables together, since an application may take only the
// sessions from here and have users in a table of its own (see [auth.Stores]);
// DeleteUser removes what belongs to a user in one transaction. A user's Value
// is not stored.
//
// What a request of somebody who is logged in costs is one statement, by primary
// keys:
//
//	SELECT … FROM auth_sessions s LEFT JOIN auth_users u ON u.id = s.user_id
//	WHERE s.id = ? AND s.expires > ?
//
// Compare-and-swap is a condition on the version:
//
//	UPDATE auth_users SET …, version = version + 1 WHERE id = ? AND version = ?
//
// # Transactions
//
// No method reads in a transaction before it writes. So two of them never wait
// for each other, none has to be repeated, and the isolation level that the
// database has by default is enough. No method needs two connections at once.
//
// # SQLite
//
// Open a file with two settings, which every connection must have, and which
// therefore belong into the data source name rather than into a PRAGMA statement:
//
//   - busy_timeout(5000): a writer waits for another for up to five seconds.
//     Without it parallel writers fail with SQLITE_BUSY.
//   - journal_mode(WAL): readers do not wait for writers, nor writers for readers.
//
// With the driver modernc.org/sqlite this is
//
//	file:app.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)
//
// and with github.com/mattn/go-sqlite3
//
//	file:app.db?_busy_timeout=5000&_journal_mode=WAL&_synchronous=FULL
//
// This package needs no more. An application whose own transactions read first
// and write then should add _txlock=immediate, which both drivers know: in such
// a transaction SQLite does not wait, whatever the timeout.
//
// PRAGMA synchronous should be FULL, as it is by default in SQLite, though not in
// every driver's: with NORMAL a power failure can undo the last commits in WAL
// mode, and a logout may be among them.
//
// A database in memory (":memory:") exists once per connection: call
// SetMaxOpenConns(1) on its sql.DB. SQLite must be 3.37 or newer.
package sqlstore
