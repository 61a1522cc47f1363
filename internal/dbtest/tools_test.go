package dbtest

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"

	atlas "ariga.io/atlas/sql/migrate"
	atlasmysql "ariga.io/atlas/sql/mysql"
	atlaspostgres "ariga.io/atlas/sql/postgres"
	atlassqlite "ariga.io/atlas/sql/sqlite"
	gomigrate "github.com/golang-migrate/migrate/v4"
	gomigratedb "github.com/golang-migrate/migrate/v4/database"
	gomigratemysql "github.com/golang-migrate/migrate/v4/database/mysql"
	gomigratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	gomigratesqlite "github.com/golang-migrate/migrate/v4/database/sqlite"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/pressly/goose/v3"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/sqlstore"
	"github.com/vestibule-go/auth/storetest"
)

// tools apply the migrations as the documentation of sqlstore says. Those that keep a
// record of them do so in a table of its own.
var tools = []struct {
	name  string
	apply func(*testing.T, source)
}{
	{"goose", applyByGoose},
	{"golang-migrate", applyByGolangMigrate},
	{"atlas", applyByAtlas},
	{"database-sql", applyByHand},
}

// The files are all there is to the tables: another tool can apply them, and is then
// the only one to do so, unless Migrate is told.
func TestMigrationsByOtherTools(t *testing.T) {
	for _, tool := range tools {
		t.Run(tool.name, func(t *testing.T) {
			for _, d := range []database{modernc, pgx, mariadb} {
				t.Run(d.name, func(t *testing.T) { migratedBy(t, tool.apply, d.source(t).quick()) })
			}
		})
	}
}

func migratedBy(t *testing.T, apply func(*testing.T, source), src source) {
	src.dialect = src.dialect.WithPrefix("shop_")
	if src.driver == "mysql" {
		src = src.with("multiStatements=true")
	}
	apply(t, src)
	s := sqlstore.New(src.open(t), src.dialect)
	t.Cleanup(func() { s.Close() })
	storetest.Run(t, func(*testing.T) auth.Store { return s })
	must(t, s.CreateUser(t.Context(), ann()))
	migrateAfterwards(t, src, s)
	if _, err := s.UserByID(t.Context(), "ann"); err != nil {
		t.Errorf("after Migrate: %v", err)
	}
}

// migrateAfterwards calls Migrate although another tool has made the tables. It
// refuses, or in MySQL does what does no harm; once told, it has nothing to do.
func migrateAfterwards(t *testing.T, src source, s *sqlstore.Store) {
	t.Helper()
	applied, err := s.Migrate(t.Context())
	if src.driver == "mysql" {
		if err != nil || !slices.Equal(applied, src.all(t)) {
			t.Errorf("Migrate: got %q, error %v, want all", applied, err)
		}
	} else if err == nil || len(applied) != 0 {
		t.Errorf("Migrate: got %q, error %v, want an error", applied, err)
	} else {
		for _, name := range src.all(t) {
			_, err := src.open(t).ExecContext(t.Context(), "INSERT INTO shop_auth_migrations (name, applied) VALUES ('"+name+"', 0)")
			must(t, err)
		}
	}
	if applied, err := s.Migrate(t.Context()); err != nil || len(applied) != 0 {
		t.Errorf("Migrate, told: got %q, error %v, want none", applied, err)
	}
}

func applyByGoose(t *testing.T, src source) {
	dialect := map[string]goose.Dialect{
		"sqlite": goose.DialectSQLite3, "pgx": goose.DialectPostgres, "mysql": goose.DialectMySQL,
	}[src.driver]
	p, err := goose.NewProvider(dialect, src.open(t), sqlstore.Migrations(src.dialect), goose.WithTableName("shop_auth_goose"))
	must(t, err)
	_, err = p.Up(t.Context())
	must(t, err)
}

func applyByGolangMigrate(t *testing.T, src source) {
	files, err := iofs.New(sqlstore.UpMigrations(src.dialect), ".")
	must(t, err)
	db, err := sql.Open(src.driver, src.dsn) // which the tool closes
	must(t, err)
	to, err := golangMigrateDriver(src.driver, db, "shop_auth_migrate")
	must(t, err)
	m, err := gomigrate.NewWithInstance("iofs", files, src.driver, to)
	must(t, err)
	must(t, m.Up())
	fileErr, dbErr := m.Close()
	must(t, errors.Join(fileErr, dbErr))
}

func golangMigrateDriver(driver string, db *sql.DB, table string) (gomigratedb.Driver, error) {
	switch driver {
	case "sqlite":
		return gomigratesqlite.WithInstance(db, &gomigratesqlite.Config{MigrationsTable: table})
	case "pgx":
		return gomigratepgx.WithInstance(db, &gomigratepgx.Config{MigrationsTable: table})
	}
	return gomigratemysql.WithInstance(db, &gomigratemysql.Config{MigrationsTable: table})
}

// applyByAtlas does what "atlas migrate apply" does with a directory, but for keeping
// a record: it checks atlas.sum, and applies the files. What is "dirty" here is a
// server with schemas of other tests.
func applyByAtlas(t *testing.T, src source) {
	dir := t.TempDir()
	must(t, os.CopyFS(dir, sqlstore.Migrations(src.dialect)))
	files, err := atlas.NewLocalDir(dir)
	must(t, err)
	must(t, atlas.Validate(files))
	driver, err := atlasDriver(src.driver, src.open(t))
	must(t, err)
	e, err := atlas.NewExecutor(driver, files, atlas.NopRevisionReadWriter{}, atlas.WithAllowDirty(true))
	must(t, err)
	must(t, e.ExecuteN(t.Context(), 0))
}

func atlasDriver(driver string, db *sql.DB) (atlas.Driver, error) {
	switch driver {
	case "sqlite":
		return atlassqlite.Open(db)
	case "pgx":
		return atlaspostgres.Open(db)
	}
	return atlasmysql.Open(db)
}

// applyByHand is what psql does.
func applyByHand(t *testing.T, src source) {
	db := src.open(t)
	for _, name := range src.all(t) {
		script, err := fs.ReadFile(sqlstore.Migrations(src.dialect), name)
		must(t, err)
		_, err = db.ExecContext(t.Context(), string(script))
		must(t, err)
	}
}
