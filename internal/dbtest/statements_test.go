package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/storetest"
)

// What runs often is one statement, prepared once.
func TestFrequentCallsAreOneStatement(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		db, rec := src.record(t)
		db.SetMaxOpenConns(1)
		s, ctx, n := src.store(t, db), t.Context(), 0
		must(t, s.CreateUser(ctx, ann()))
		must(t, s.CreateSession(ctx, session("one", tomorrow()), ""))
		for name, call := range map[string]func() error{
			"Session":        func() error { _, _, err := s.Session(ctx, "one"); return err },
			"UserByLogin":    func() error { _, err := s.UserByLogin(ctx, "ann@example.com"); return err },
			"UpdateSession":  func() error { return s.UpdateSession(ctx, session("one", tomorrow())) },
			"CreateSession":  func() error { n++; return s.CreateSession(ctx, session(fmt.Sprint("new", n), tomorrow()), "") },
			"PutCredential":  func() error { n++; return s.PutCredential(ctx, credential(fmt.Sprint(n), tomorrow())) },
			"Sessions":       func() error { _, err := s.Sessions(ctx, "ann"); return err },
			"Users":          func() error { _, err := s.Users(ctx, "", 100); return err },
			"DeleteSession":  func() error { return s.DeleteSession(ctx, "nobody's") },
			"DeleteSessions": func() error { _, err := s.DeleteSessions(ctx, "bob", ""); return err },
		} {
			must(t, call())
			rec.take()
			must(t, call())
			statements, prepared := rec.take()
			if len(statements) != 1 || len(prepared) != 0 {
				t.Errorf("%s ran %q and prepared %q, want one statement", name, queries(statements), prepared)
			}
		}
	})
}

// Every statement that the conformance suite makes a Store run finds its rows by
// an index: that is what the planner chooses when it is left alone, with statistics
// and without, and with what a driver tells it.
func TestStatementsUseIndexes(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		db, rec := src.quick().record(t)
		s := src.store(t, db)
		crowd(t, db, src.driver)
		rec.take()
		storetest.Run(t, func(*testing.T) auth.Store { return s })
		_, err := s.DeleteExpired(t.Context())
		must(t, err)
		_, err = s.CredentialKinds(t.Context(), "crowd500")
		must(t, err)
		_, err = s.Users(t.Context(), "crowd500", 100)
		must(t, err)
		_, u, err := s.Session(t.Context(), "crowd500")
		if err != nil || u == nil {
			t.Fatalf("got user %v, error %v", u, err)
		}
		statements, _ := rec.take()
		slices.Reverse(statements) // the arguments of the last call are explained
		slices.SortStableFunc(statements, func(a, b statement) int { return strings.Compare(a.query, b.query) })
		statements = slices.CompactFunc(statements, func(a, b statement) bool { return a.query == b.query })
		statements = slices.DeleteFunc(statements, func(s statement) bool { return !strings.Contains(s.query, " WHERE ") }) // INSERT, BEGIN and the like
		for _, stmt := range statements {
			explain(t, db, src, stmt)
		}
		analyze(t, db, src.driver)
		for _, stmt := range statements {
			explain(t, db, src, stmt)
		}
	})
}

// crowd adds ten thousand users with a session and a credential each: of a small table
// a database may well read all, and be right.
func crowd(t *testing.T, db *sql.DB, driver string) {
	t.Helper()
	numbers := `(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99)
		SELECT 100 * a.i + b.i AS i FROM n a CROSS JOIN n b) AS crowd`
	text := "'crowd' || i"
	if driver == "mysql" {
		text = "CONCAT('crowd', i)"
	}
	for _, insert := range []string{
		"INSERT INTO auth_users SELECT " + text + ", " + text + ", '', '', 1, 0, 0, NULL, NULL FROM " + numbers,
		"INSERT INTO auth_sessions SELECT " + text + ", " + text + ", 0, 0, 9000000000000000 + i, '', '', NULL FROM " + numbers,
		"INSERT INTO auth_credentials SELECT 'crowd', " + text + ", " + text + ", '', NULL, 0, NULL, 9000000000000000 + i, 1 FROM " + numbers,
	} {
		_, err := db.ExecContext(t.Context(), insert)
		must(t, err)
	}
}

// analyze counts what is in the tables, as databases do now and then.
func analyze(t *testing.T, db *sql.DB, driver string) {
	t.Helper()
	command := "ANALYZE "
	if driver == "mysql" {
		command = "ANALYZE TABLE "
	}
	for _, table := range []string{"auth_users", "auth_sessions", "auth_credentials"} {
		_, err := db.ExecContext(t.Context(), command+table)
		must(t, err)
	}
}

// explain reports the steps of a statement's plan that read a whole table or index, or
// that look for one row among all that have not expired.
func explain(t *testing.T, db *sql.DB, src source, stmt statement) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	must(t, err)
	defer conn.Close()
	plans := map[string]func(context.Context, *sql.Conn, statement) ([]string, error){
		"sqlite": sqlitePlan, "sqlite3": sqlitePlan, "pgx": postgresPlan, "postgres": postgresPlan, "mysql": mysqlPlan,
	}
	steps, err := plans[src.driver](t.Context(), conn, stmt)
	if err != nil {
		t.Fatalf("%s: %v", stmt.query, err)
	}
	for _, step := range steps {
		t.Logf("%.70q: %s", stmt.query, step)
		live := strings.Contains(stmt.query, "expires >") && strings.Contains(step, "_expires")
		if strings.HasPrefix(step, "SCAN") || live {
			t.Errorf("%s\n\t%s", stmt.query, step)
		}
	}
}

// sqlitePlan returns the steps of a plan.
func sqlitePlan(ctx context.Context, conn *sql.Conn, stmt statement) (steps []string, err error) {
	err = table(ctx, conn, "EXPLAIN QUERY PLAN "+stmt.query, stmt.args, func(row map[string]string) {
		steps = append(steps, row["detail"])
	})
	return steps, err
}

// postgresPlan returns the lines of two plans: for these arguments, and the one that
// a prepared statement may get for all. It begins those with SCAN that read a whole
// table, or an index without a condition.
func postgresPlan(ctx context.Context, conn *sql.Conn, stmt statement) (steps []string, err error) {
	line := func(row map[string]string) { steps = append(steps, row["QUERY PLAN"]) }
	if err := table(ctx, conn, "EXPLAIN "+stmt.query, stmt.args, line); err != nil {
		return nil, err
	}
	run := "EXPLAIN EXECUTE plan"
	if len(stmt.args) > 0 {
		run += "(" + strings.Repeat("'1', ", len(stmt.args)-1) + "'1')"
	}
	for _, set := range []string{"SET plan_cache_mode = force_generic_plan", "PREPARE plan AS " + stmt.query} {
		if _, err := conn.ExecContext(ctx, set); err != nil {
			return nil, err
		}
	}
	defer conn.ExecContext(ctx, "DEALLOCATE plan; RESET plan_cache_mode")
	err = table(ctx, conn, run, nil, line)
	for i, step := range steps {
		bare := i+1 == len(steps) || !strings.Contains(steps[i+1], "Cond:")
		if strings.Contains(step, "Seq Scan") || strings.Contains(step, "Index") && strings.Contains(step, "Scan") && bare {
			steps[i] = "SCAN: " + step
		}
	}
	return steps, err
}

// mysqlPlan returns a line for each table of a plan. It begins those with SCAN that
// read a whole table or index.
func mysqlPlan(ctx context.Context, conn *sql.Conn, stmt statement) (steps []string, err error) {
	err = table(ctx, conn, "EXPLAIN "+stmt.query, stmt.args, func(row map[string]string) {
		step := fmt.Sprintf("%s: type %s, key %s, %s", row["table"], row["type"], row["key"], row["Extra"])
		if row["type"] == "ALL" && row["table"] != "" || row["type"] == "index" {
			step = "SCAN: " + step
		}
		steps = append(steps, step)
	})
	return steps, err
}

// table calls each with every row of an answer.
func table(ctx context.Context, conn *sql.Conn, query string, args []any, each func(row map[string]string)) error {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	for err == nil && rows.Next() {
		values := make([]sql.NullString, len(names))
		targets := make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		err = rows.Scan(targets...)
		row := make(map[string]string)
		for i, name := range names {
			row[name] = values[i].String
		}
		each(row)
	}
	if err == nil {
		err = rows.Err()
	}
	return err
}

// Promise 5, from outside: a user's page is one statement, a guest's none.
func TestRequestIsOneStatement(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		db, rec := src.record(t)
		db.SetMaxOpenConns(1)
		m, err := auth.New(src.store(t, db), authtest.Config(t, nil))
		must(t, err)
		app := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, auth.CurrentUser(r.Context()) != nil, auth.CSRFToken(r.Context()) != "")
		}))
		user, guest := authtest.Login{App: app}.Client(t, m, authtest.User(t, m, "ann@example.com")), authtest.NewClient(t, app)
		user.Get("/").Want(http.StatusOK, "true true") // and prepares the statement
		for _, c := range []struct {
			client *authtest.Client
			says   string
			want   int
		}{{user, "true true", 1}, {guest, "false true", 0}} {
			rec.take()
			c.client.Get("/").Want(http.StatusOK, c.says)
			if statements, prepared := rec.take(); len(statements) != c.want || len(prepared) != 0 {
				t.Errorf("%s: ran %q and prepared %q, want %d statements", c.says, queries(statements), prepared, c.want)
			}
		}
	})
}
