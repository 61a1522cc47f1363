package dbtest

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth/sqlstore"
)

// What MigrationStatus says is what Migrate does, and saying it changes nothing.
func TestMigrationStatus(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		db, ctx := src.open(t), t.Context()
		s := sqlstore.New(db, src.dialect)
		defer s.Close()
		for range 2 {
			list, err := s.MigrationStatus(ctx)
			if err != nil || !slices.Equal(names(list), src.all(t)) || !list[0].Applied.IsZero() || list[0].Unknown {
				t.Fatalf("at first: got %+v, error %v, want all pending", list, err)
			}
		}
		_, err := s.Migrate(ctx)
		must(t, err)
		list, err := s.MigrationStatus(ctx)
		if err != nil || !slices.Equal(names(list), src.all(t)) || time.Since(list[0].Applied).Abs() > time.Hour {
			t.Fatalf("then: got %+v, error %v, want all applied", list, err)
		}
		_, err = db.ExecContext(ctx, "INSERT INTO auth_migrations (name, applied) VALUES ('9999_next.sql', 1)")
		must(t, err)
		list, err = s.MigrationStatus(ctx)
		if last := list[len(list)-1]; err != nil || last.Name != "9999_next.sql" || !last.Unknown || last.Applied.IsZero() {
			t.Errorf("of a newer version: got %+v, error %v", list, err)
		}
		_, err = db.ExecContext(ctx, "DROP TABLE auth_migrations")
		must(t, err)
		if list, err = s.MigrationStatus(ctx); !errors.Is(err, sqlstore.ErrUnrecorded) {
			t.Errorf("of another tool: got %+v, error %v", list, err)
		}
	})
}

func names(list []sqlstore.Migration) (names []string) {
	for _, m := range list {
		names = append(names, m.Name)
	}
	return names
}

// A healthy database is not complained of, and whatever is taken out of it is.
func TestInspect(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		for _, prefix := range []string{"", "shop_"} {
			src := src.source(t)
			src.dialect = src.dialect.WithPrefix(prefix)
			db, ctx := src.open(t), t.Context()
			s := sqlstore.New(db, src.dialect)
			in, err := s.Inspect(ctx)
			if err != nil || !slices.Equal(in.Missing, []string{"table auth_users", "table auth_credentials", "table auth_sessions"}) {
				t.Fatalf("of nothing: got %+v, error %v", in, err)
			}
			s.Close()
			s = src.store(t, db)
			in, err = s.Inspect(ctx)
			must(t, err)
			if len(in.Missing) > 0 || in.Expired != 0 || in.Orphans != 0 || in.Clock.Abs() > time.Minute {
				t.Errorf("of a new database: got %+v", in)
			}
			wantSQLite(t, src, in)
			must(t, s.CreateUser(ctx, ann()))
			for _, user := range []string{"ann", "nobody", ""} {
				rec := session("of"+user, tomorrow())
				rec.UserID = user
				must(t, s.CreateSession(ctx, rec, ""))
				rec = session("old"+user, time.Now().Add(-time.Hour))
				rec.UserID = user
				must(t, s.CreateSession(ctx, rec, ""))
			}
			must(t, s.PutCredential(ctx, credential("old", time.Now().Add(-time.Hour))))
			in, err = s.Inspect(ctx)
			must(t, err)
			if in.Expired != 4 || in.Orphans != 2 {
				t.Errorf("got %d expired and %d orphans, want 4 and 2", in.Expired, in.Orphans)
			}
			must(t, s.Close())
			spoil(t, src, prefix)
			in, err = s.Inspect(ctx)
			want := []string{"index on auth_credentials (expires)", "auth_sessions.agent", "index on auth_sessions (user_id)"}
			if err != nil || !slices.Equal(in.Missing, want) {
				t.Errorf("got %q, error %v, want %q", in.Missing, err, want)
			}
		}
	})
}

func wantSQLite(t *testing.T, src source, in *sqlstore.Inspection) {
	t.Helper()
	sqlite := strings.HasPrefix(src.driver, "sqlite")
	if ok := filepath.Base(in.File) == "test.db" && in.Journal == "wal" && in.BusyTimeout == 5*time.Second; ok != sqlite {
		t.Errorf("got file %q, journal %q, timeout %v", in.File, in.Journal, in.BusyTimeout)
	}
}

// spoil takes out an index, a column, and one column of an index.
func spoil(t *testing.T, src source, prefix string) {
	t.Helper()
	db := src.open(t)
	drop := func(index, table string) string { return "DROP INDEX " + prefix + index }
	if src.driver == "mysql" {
		drop = func(index, table string) string { return "DROP INDEX " + prefix + index + " ON " + prefix + table }
	}
	for _, statement := range []string{
		drop("auth_credentials_expires", "auth_credentials"),
		drop("auth_sessions_user_id", "auth_sessions"),
		"CREATE INDEX other ON " + prefix + "auth_sessions (expires, user_id)",
		"ALTER TABLE " + prefix + "auth_sessions DROP COLUMN agent",
	} {
		_, err := db.ExecContext(t.Context(), statement)
		must(t, err)
	}
}

// The kinds of a user's credentials are counted, without those that have expired or are another's.
func TestCredentialKinds(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		s, ctx := src.store(t, src.open(t)), t.Context()
		for i, c := range []struct {
			kind, user string
			expires    time.Time
		}{{"a", "ann", time.Time{}}, {"a", "ann", tomorrow()}, {"b", "ann", tomorrow()}, {"c", "ann", time.Now().Add(-time.Hour)}, {"d", "bob", tomorrow()}, {"e", "", tomorrow()}} {
			cred := credential(string(rune('0'+i)), c.expires)
			cred.Kind, cred.UserID = c.kind, c.user
			must(t, s.PutCredential(ctx, cred))
		}
		kinds, err := s.CredentialKinds(ctx, "ann")
		if err != nil || len(kinds) != 2 || kinds["a"] != 2 || kinds["b"] != 1 {
			t.Errorf("got %v, error %v", kinds, err)
		}
		if kinds, err := s.CredentialKinds(ctx, ""); err != nil || len(kinds) != 0 {
			t.Errorf("of nobody: got %v, error %v", kinds, err)
		}
	})
}
