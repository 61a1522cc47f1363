// Package sqlstore keeps users, credentials and sessions in a database, through
// database/sql. It imports no driver: the application chooses one.
//
//	db, err := sql.Open("sqlite", "file:app.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
//	…
//	store := sqlstore.New(db, sqlstore.SQLite)
//	if _, err := store.Migrate(ctx); err != nil { … }
//
// There is a [Dialect] for each database: [SQLite], [Postgres], and [MySQL], which
// is also that of MariaDB. Any number of processes may share a database.
//
// # Storage
//
// There are three tables, and auth_migrations, which [Store.Migrate] keeps. Their
// names may have a prefix or be in a schema: see [Dialect.WithPrefix].
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
// The database itself keeps emails unique, and compares them byte for byte, as it
// does IDs and kinds, whatever its collation: the columns have COLLATE "C" in
// PostgreSQL and are VARBINARY in MySQL, where only such columns tell "ann" from
// "ann ". There the ID of a user or a session, and an email, has at most 255 bytes,
// the kind of a credential 100 and its ID 1400; what is longer is an error. In
// PostgreSQL a key has at most 2,700 bytes or so, and text is valid UTF-8 without
// NUL; what is not finds nothing, and cannot be stored.
//
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
// # Transactions and failures
//
// No method reads in a transaction before it writes. So the isolation level that
// the database has by default is enough, and a stricter one does no harm. No
// method needs two connections at once.
//
// What the database itself has undone is repeated, up to seven times with waits that
// grow and are random: after a deadlock, a serialization failure or SQLITE_BUSY.
// What a broken connection leaves unknown is repeated only where that is right:
// reading, DeleteSession, DeleteCredentials, and transactions that were not yet to be
// committed. All else is reported as an error that is none of the sentinels of
// package auth: it may have been done, though never by half. Nothing is repeated
// once the context has ended.
//
// The driver decides when to say that a connection was broken before anything was
// sent. lib/pq, up to 1.12 at least, says so too early, and database/sql then repeats
// the statement: a CreateUser that succeeded while the connection broke can return
// ErrExists, an UpdateUser ErrConflict. pgx and the drivers of MySQL and SQLite do not.
//
// # Migrations by another tool
//
// The tables can be made by goose, golang-migrate, atlas, or whatever runs SQL, instead
// of [Store.Migrate]. Such a tool numbers the files from 1, as it does those of the
// application, so give it a table of its own to keep count in, or copy the files
// among the application's under other numbers. With goose
//
//	p, err := goose.NewProvider(goose.DialectPostgres, db, sqlstore.Migrations(sqlstore.Postgres),
//		goose.WithTableName("auth_goose"))
//	…
//	_, err = p.Up(ctx)
//
// with golang-migrate, whose data source name in MySQL needs multiStatements=true,
//
//	files, err := iofs.New(sqlstore.UpMigrations(sqlstore.Postgres), ".")
//	…
//	to, err := pgx.WithInstance(db, &pgx.Config{MigrationsTable: "auth_migrate"})
//	…
//	m, err := migrate.NewWithInstance("iofs", files, "pgx", to)
//	…
//	err = m.Up()
//
// and for atlas, and all that read a folder,
//
//	err := os.CopyFS("migrations/auth", sqlstore.Migrations(sqlstore.Postgres))
//
// An application that changes from such a tool to Migrate calls it once, to make
// auth_migrations, and lets it fail; then it adds a row for each file applied so far:
//
//	INSERT INTO auth_migrations (name, applied) VALUES ('0001_users_credentials_sessions.sql', 0)
//
// In MySQL Migrate does not fail, but applies the files again, which changes nothing.
//
// # PostgreSQL
//
//	db, err := sql.Open("pgx", "postgres://shop@db.example/shop")
//	store := sqlstore.New(db, sqlstore.Postgres)
//
// Statements are prepared once per connection. A pool such as PgBouncer between
// program and database must let them be: with its max_prepared_statements, or one
// session per connection; Migrate, which takes an advisory lock, needs the latter.
//
// # MySQL and MariaDB
//
//	db, err := sql.Open("mysql", "shop@tcp(db.example:3306)/shop")
//	store := sqlstore.New(db, sqlstore.MySQL)
//
// No parameter of the driver is needed, and none is in the way. Migrate refuses to
// work in an SQL mode that is not strict. Columns of text are binary: to read them,
// SELECT CONVERT(email USING utf8mb4) FROM auth_users.
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
