package dbtest

import (
	"fmt"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/storetest"
)

// partitioned makes the table of sessions anew, in four parts by the hash of the ID, as docs/scaling.md has it.
const partitioned = `
ALTER TABLE auth_sessions RENAME TO auth_sessions_whole;
CREATE TABLE auth_sessions (LIKE auth_sessions_whole INCLUDING DEFAULTS) PARTITION BY HASH (id);
CREATE TABLE auth_sessions_0 PARTITION OF auth_sessions FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE auth_sessions_1 PARTITION OF auth_sessions FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE auth_sessions_2 PARTITION OF auth_sessions FOR VALUES WITH (MODULUS 4, REMAINDER 2);
CREATE TABLE auth_sessions_3 PARTITION OF auth_sessions FOR VALUES WITH (MODULUS 4, REMAINDER 3);
INSERT INTO auth_sessions SELECT * FROM auth_sessions_whole;
DROP TABLE auth_sessions_whole;
ALTER TABLE auth_sessions ADD PRIMARY KEY (id);
CREATE INDEX auth_sessions_user_id ON auth_sessions (user_id);
CREATE INDEX auth_sessions_expires ON auth_sessions (expires);`

// A table of sessions in parts is as good as a whole one.
func TestPartitionedSessions(t *testing.T) {
	src := pgx.source(t)
	db := src.open(t)
	s := src.store(t, db)
	kept := session("kept", tomorrow())
	must(t, s.CreateSession(t.Context(), kept, ""))
	_, err := db.ExecContext(t.Context(), partitioned)
	must(t, err)
	storetest.Run(t, func(*testing.T) auth.Store { return s })
	// What a sweep removes it finds by where it is, and in four parts there are four first rows, four second ones, and so on.
	live := map[string]bool{kept.ID: true}
	for i := range 200 {
		rec := session(fmt.Sprint("swept", i), tomorrow().AddDate(0, 0, -2))
		if i%2 == 0 {
			rec.Expires = tomorrow()
			live[rec.ID] = true
		}
		must(t, s.CreateSession(t.Context(), rec, ""))
	}
	if _, err := s.DeleteExpired(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id := range live {
		if _, _, err := s.Session(t.Context(), id); err != nil {
			t.Errorf("session %s: %v", id, err)
		}
	}
}
