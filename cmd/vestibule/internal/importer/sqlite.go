package importer

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// wellKnown are the tables of users that Django and Flask-SQLAlchemy make.
var wellKnown = []string{"auth_user", "user", "users"}

// sqliteSource reads one table of a SQLite file, which it opens for reading only.
type sqliteSource struct {
	db     *sql.DB
	table  string
	names  []string
	chosen []int    // which of them are for something
	read   []string // their names
	rows   *sql.Rows
	n      int
}

func openSQLite(ctx context.Context, path string, o Options) (source, error) {
	dsn, err := readOnly(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s := &sqliteSource{db: db}
	if err := s.open(ctx, o); err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

// readOnly returns how to open a file that must not change. Even to read a database in the mode WAL, SQLite makes two
// files beside it, unless it is told that nobody has it open; then there is no file of that log with anything in it.
func readOnly(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	query := url.Values{"mode": {"ro"}, "_pragma": {"query_only(1)", "busy_timeout(5000)"}}
	if log, err := os.Stat(path + "-wal"); errors.Is(err, os.ErrNotExist) || err == nil && log.Size() == 0 {
		wal, err := inWAL(path)
		if err != nil {
			return "", err
		}
		if wal {
			query.Set("immutable", "1")
		}
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	return u.String(), nil
}

// inWAL reports whether a database is in the mode WAL: https://www.sqlite.org/fileformat2.html, section 1.3.
func inWAL(path string) (bool, error) {
	b, err := head(path)
	return len(b) > 19 && b[18] == 2 && b[19] == 2, err
}

func (s *sqliteSource) open(ctx context.Context, o Options) (err error) {
	if s.table, err = s.find(ctx, o); err != nil {
		return err
	}
	if s.names, err = s.columns(ctx, s.table); err != nil {
		return err
	}
	chosen, err := choose(s.names, o)
	if err != nil {
		return fmt.Errorf("table %s: %w", s.table, err)
	}
	for i := range s.names {
		for _, j := range chosen {
			if i == j {
				s.chosen, s.read = append(s.chosen, i), append(s.read, s.names[i])
			}
		}
	}
	s.rows, err = s.db.QueryContext(ctx, s.query(chosen))
	return err
}

func (s *sqliteSource) header() []string { return s.names }

// query asks for the columns as text, so that no driver has an opinion on their types.
func (s *sqliteSource) query(chosen columns) string {
	var texts []string
	for _, name := range s.read {
		texts = append(texts, "CAST("+quote(name)+" AS TEXT)")
	}
	q := "SELECT " + strings.Join(texts, ", ") + " FROM " + quote(s.table)
	if id, ok := chosen["id"]; ok {
		q += " ORDER BY " + quote(s.names[id])
	}
	return q
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// find returns the table that o names or, without that, the one that has users.
func (s *sqliteSource) find(ctx context.Context, o Options) (string, error) {
	tables, err := s.strings(ctx, `SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`)
	if err != nil {
		return "", err
	}
	if o.Table != "" {
		if !slices.Contains(tables, o.Table) {
			return "", fmt.Errorf("there is no table %q; there are: %s", o.Table, list(tables))
		}
		return o.Table, nil
	}
	fitting, err := s.fitting(ctx, tables, o)
	if err != nil {
		return "", err
	}
	return choice(fitting, tables)
}

// fitting returns those tables that have the columns of users.
func (s *sqliteSource) fitting(ctx context.Context, tables []string, o Options) (fitting []string, err error) {
	for _, table := range tables {
		names, err := s.columns(ctx, table)
		if err != nil {
			return nil, err
		}
		if slices.Contains(names, "stamp") {
			continue // a table of package sqlstore: the file may be that of the new application, too
		}
		if c, err := choose(names, o); err == nil {
			if _, ok := c["hash"]; ok || o.Columns["hash"] == "-" {
				fitting = append(fitting, table)
			}
		}
	}
	return fitting, nil
}

func choice(fitting, tables []string) (string, error) {
	var known []string
	for _, table := range fitting {
		if slices.Contains(wellKnown, table) {
			known = append(known, table)
		}
	}
	switch {
	case len(known) == 1:
		return known[0], nil
	case len(fitting) == 1:
		return fitting[0], nil
	case len(fitting) > 1:
		return "", fmt.Errorf("several tables could be that of the users: %s; name one (-table)", list(fitting))
	}
	return "", fmt.Errorf("no table has a column for the email and one for the password hash; there are: %s", list(tables))
}

func (s *sqliteSource) columns(ctx context.Context, table string) ([]string, error) {
	return s.strings(ctx, "SELECT name FROM pragma_table_info(?) ORDER BY cid", table)
}

func (s *sqliteSource) strings(ctx context.Context, query string, args ...any) (list []string, err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, rows.Err()
}

func (s *sqliteSource) next() (record, error) {
	if !s.rows.Next() {
		if err := s.rows.Err(); err != nil {
			return record{}, err
		}
		return record{}, io.EOF
	}
	s.n++
	texts, into := make([]sql.NullString, len(s.chosen)), make([]any, len(s.chosen))
	for i := range texts {
		into[i] = &texts[i]
	}
	if err := s.rows.Scan(into...); err != nil {
		return record{}, err
	}
	return s.record(texts)
}

// record has a value for every column of the table; of those that are for nothing it is empty.
func (s *sqliteSource) record(texts []sql.NullString) (record, error) {
	rec := record{place: place{line: s.n, names: s.read}, names: s.names, values: make([]string, len(s.names))}
	var err error
	for i, text := range texts {
		if !utf8.ValidString(text.String) || strings.ContainsRune(text.String, 0) {
			err = lineError("a value is not UTF-8, or holds a NUL")
		}
		rec.values[s.chosen[i]] = text.String
		rec.place.values = append(rec.place.values, text.String)
	}
	return rec, err
}

// reject writes the columns that were read as JSON lines, which Read reads, too.
func (s *sqliteSource) reject(w io.Writer, places []place) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, p := range places {
		object := make(map[string]*string, len(p.names))
		for i, name := range p.names {
			if object[name] = &p.values[i]; p.values[i] == "" {
				object[name] = nil
			}
		}
		if err := e.Encode(object); err != nil {
			return err
		}
	}
	return nil
}

func (s *sqliteSource) close() error {
	if s.rows != nil {
		s.rows.Close()
	}
	return s.db.Close()
}
