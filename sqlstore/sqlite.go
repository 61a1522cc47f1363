package sqlstore

// SQLite is the dialect of SQLite, 3.37 or newer, with any driver. The package
// comment says how to open a database well.
//
// Migrations need no lock: creating tables is part of the transaction, whose
// first statement writes, and so waits for another process that migrates.
var SQLite = Dialect{
	name:         "sqlite",
	placeholders: func(query string) string { return query },
	ifNew:        func(insert string) string { return insert + " ON CONFLICT DO NOTHING" },
}
