package importer_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/cmd/vestibule/internal/importer"
	"github.com/vestibule-go/auth/memstore"
)

// faults are sources, and what is wrong with which line of them.
var faults = []struct {
	name, text string
	good       int
	want       []string // "2 words", by line
}{
	{"what may vary", "\ufeffE-Mail;Password;Joined;Is Active;\"a;b\"\r\n a@Example.com ;" + hashA + ";2021-03-04;t;\"x\r\ny\"\r\n\r\nb@example.com;!none;;1;", 2, nil},
	{"emails", "email,hash\nann,\na@b.example,\n,\na b@example.com,\n\"a\tb@example.com\",\na\u200b@example.com,\n", 1,
		[]string{"2 none that Signup", "4 no email", "5 none that Signup", "6 none that Signup", "7 none that Signup"}},
	{"doubles", "email,hash\na@example.com,\nb@example.com,\nA@Example.com,\n a@example.com ,\n", 1,
		[]string{"2 also that of line 4", "4 also that of line 2", "5 also that of line 2"}},
	{"a double of a bad line", "email,hash\na@example.com,nonsense\nA@example.com,\n", 0,
		[]string{"2 none that package password reads", "3 also that of line 2"}},
	{"hashes", "email,hash\na@x.example,hunter2\nb@x.example,5f4dcc3b5aa765d61d8327deb882cf99\nc@x.example,pbkdf2:sha256:1$secret\nd@x.example,$2b$31$OcDFKboJbLiVE5QpBdHGPuoDriJrkK77Ga9hDPn3E5cYJL9.9RKhm\n" +
		"e@x.example,pbkdf2:sha1:1000$AR\u00e9aKG1cq$e002348a431b7da071881f109f645b7ec53e2a94\n", 0,
		[]string{"2 no form that a reader knows", "3 MD5, SHA-1", "4 fields of werkzeug", "5 too much work", "6 spaces or control"}},
	{"several faults of one line", "email,hash,created\nann,hunter2,yesterday\n", 0,
		[]string{"2 the email is none that Signup would take; the password hash is none that package password reads: no form that a reader knows; created is no date"}},
	{"dates", "email,hash,created\na@x.example,,0000-00-00 00:00:00\nb@x.example,,2021-02-30\nc@x.example,,2999-01-01\nd@x.example,,1614834367\ne@x.example,,2021-03-04T05:06:07.5+01:00\nf@x.example,,12\ng@x.example,,NULL\n", 3,
		[]string{"2 created is no date", "3 created is no date", "4 before 1990 or after today", "7 created is no date"}},
	{"truths", "email,hash,active,confirmed,disabled\na@x.example,,,,\nb@x.example,,maybe,,\nc@x.example,,true,perhaps,\nd@x.example,,yes,2021-03-04,f\ne@x.example,,1,,so\n", 1,
		[]string{"2 active is neither", "3 active is neither", "4 confirmed is no date", "6 disabled is no date"}},
	{"fields", "email,hash\na@x.example\nb@x.example,,\nc@x.example,\n", 1, []string{"2 1 fields, where the header has 2", "3 3 fields"}},
	{"a quote too many", "email,hash\n\"a@x.example,\nb@x.example,\nc\"@x.example,\nd@x.example,\n", 2, []string{"2 the quotes do not match", "4 the quotes do not match"}},
	{"a quote without end", "email,hash\n\"a@x.example,\n" + strings.Repeat("b@x.example,\n", 1), 1, []string{"2 the quotes do not match"}},
	{"NUL, CR, Latin-1", "email,hash\na\x00@x.example,\nb@x.example,\rc@x.example,\n\xe4@x.example,\nd@x.example,\n", 1,
		[]string{"2 NUL", "3 carriage return", "4 not UTF-8"}},
	{"a huge line", "email,hash\na@x.example," + strings.Repeat("x", 3<<20) + "\nb@x.example,\n", 1, []string{"2 longer than 1 MiB"}},
	{"a long email", "email,hash\n" + strings.Repeat("a", 300) + "@x.example,\n", 0, []string{"2 none that Signup"}},
	{"objects", `{"email":"a@x.example","password_hash":null,"active":true,"created":1614834367,"tags":["x"],"more":{"email":1}}
{"email":"b@x.example"}
not json
{"email":"c@x.example","hash":"","hash":""}
{"email":"d@x.example","hash":""} {}
["e@x.example"]
{"hash":"","email":["f@x.example"]}
{"hash":"","email":"g\u0000@x.example"}

{"email":"h@x.example","hash":"","active":null}
{"email":"i@x.example","hash":""
{"email":"j@x.example","hash":"","active":false}`, 2,
		[]string{"2 no column holds the hash", "3 no JSON object", "4 hash twice", "5 something follows", "6 no JSON object",
			"7 no column holds the email", "8 none that Signup", "10 active is neither", "11 no JSON object"}},
}

func TestFaults(t *testing.T) {
	for _, test := range faults {
		t.Run(test.name, func(t *testing.T) {
			p := readAny(t, file(t, "source", test.text), importer.Options{})
			got := p.Faults()
			for i, f := range got {
				if i >= len(test.want) {
					t.Errorf("line %d: %s", f.Line, f.Reason)
					continue
				}
				line, words, _ := strings.Cut(test.want[i], " ")
				if fmt.Sprint(f.Line) != line || !strings.Contains(f.Reason, words) {
					t.Errorf("line %d: %s\nwant %s", f.Line, f.Reason, test.want[i])
				}
			}
			if len(got) < len(test.want) {
				t.Errorf("only %d faults, want %d", len(got), len(test.want))
			}
			if res := p.Result(); res.Read-res.Bad != test.good || res.Bad != len(test.want) {
				t.Errorf("%+v, want %d good ones", res, test.good)
			}
		})
	}
}

// Sources of which nothing can be read are errors that say why, and tell nothing of what is in them.
func TestUnreadable(t *testing.T) {
	flask := fixture(t, "flask.sql", "")
	for _, test := range []struct {
		name, path string
		o          importer.Options
		want       string
	}{
		{"nothing", file(t, "a", ""), importer.Options{}, "is empty"},
		{"no file", filepath.Join(t.TempDir(), "gone"), importer.Options{}, "no such file"},
		{"a pipe", "-", importer.Options{}, "save what comes from a pipe"},
		{"a folder", t.TempDir(), importer.Options{}, "no regular file"},
		{"UTF-16", file(t, "a", "\xff\xfee\x00m\x00"), importer.Options{}, "UTF-16"},
		{"UTF-16 without a mark", file(t, "a", "e\x00m\x00a\x00i\x00l\x00"), importer.Options{}, "UTF-16"},
		{"CR", file(t, "a", "email,hash\ra@x.example,\r"), importer.Options{}, "carriage return"},
		{"zip", file(t, "a", "PK\x03\x04"), importer.Options{}, "spreadsheet"},
		{"an array", file(t, "a", `[{"email":"a@x.example"}]`), importer.Options{}, "jq -c"},
		{"no email", file(t, "a", "name,hash\nx,y\n"), importer.Options{}, "no column holds the email; there are: name, hash"},
		{"no hash", file(t, "a", "email,name\nx,y\n"), importer.Options{}, "no column holds the hash; there are: email, name"},
		{"no header", file(t, "a", "a@x.example,Secret\n"), importer.Options{}, "look like data"},
		{"two", file(t, "a", "email,e_mail,hash\n"), importer.Options{}, "two columns could be meant: email and e_mail"},
		{"no such column", file(t, "a", "email,hash\n"), importer.Options{Columns: map[string]string{"created": "since"}}, `no column "since"`},
		{"no such role", file(t, "a", "email,hash\n"), importer.Options{Columns: map[string]string{"since": "created"}}, "columns may hold: active, confirmed"},
		{"no IDs", file(t, "a", "email,hash\n"), importer.Options{NeedIDs: true}, "no column holds the id"},
		{"unknown format", file(t, "a", "email,hash\n"), importer.Options{Format: "xml"}, "csv, jsonl or sqlite"},
		{"another format", file(t, "a", "email,hash\n"), importer.Options{Format: "sqlite"}, "not a database"},
		{"a table of CSV", file(t, "a", "email,hash\n"), importer.Options{Table: "user"}, "the file is csv"},
		{"no such table", flask, importer.Options{Table: "users"}, "there are: order, user"},
		{"a table without users", flask, importer.Options{Table: "order"}, "no column holds the email"},
		{"several tables", database(t, "CREATE TABLE a(email, password); CREATE TABLE b(mail, hash); CREATE TABLE c(email)"), importer.Options{}, "several tables could be that of the users: a, b"},
		{"no table", flask, importer.Options{Columns: map[string]string{"email": "mail"}}, "no table has"},
	} {
		p, err := importer.Read(t.Context(), test.path, test.o)
		if err == nil {
			t.Errorf("%s: %+v, no error", test.name, p.Result())
		} else if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "Secret") {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
}

// No text has a value of the source in it.
func TestFaultsTellNothing(t *testing.T) {
	const source = "email,hash,created,active,id\nSecret,Secret,Secret,Secret,Secret\na@Secret.example,$2b$10$Secret,Secret,1,1\n" +
		"\"Secret,,,,\nSecret\nA@secret.example,md5$Secret,,,2\n"
	p := readAny(t, file(t, "a", source), importer.Options{NeedIDs: true})
	for _, f := range p.Faults() {
		if strings.Contains(strings.ToLower(f.Reason), "secret") {
			t.Error(f.Reason)
		}
	}
	if p.Result().Read != p.Result().Bad || p.Result().Bad != 5 {
		t.Errorf("%+v", p.Result())
	}
	for _, text := range []string{
		`{"email":"a@x.example","hash":"","Secret!":1,"Secret!":1}`,
		`{"email":"a@x.example","Secret@x.example":1}`,
		`{"Secret`,
	} {
		for _, f := range readAny(t, file(t, "a", text), importer.Options{}).Faults() {
			if strings.Contains(f.Reason, "Secret") {
				t.Error(f.Reason)
			}
		}
	}
}

// Hashes that nothing reads can be left behind, if that is asked for.
func TestResetUnreadable(t *testing.T) {
	store := &memstore.Store{}
	p := read(t, file(t, "a", "email,hash\na@x.example,5f4dcc3b5aa765d61d8327deb882cf99\nb@x.example,"+hashA+"\n"), importer.Options{ResetUnreadable: true})
	if got, want := run(t, p, store, nil), (importer.Result{Read: 2, New: 2, Imported: 2, WithoutPassword: 1, Unreadable: 1}); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if u, err := store.UserByLogin(t.Context(), "a@x.example"); err != nil || u.PasswordHash != "" {
		t.Errorf("%v, %v", u, err)
	}
}

// What was rejected is kept as it was, for its owner only, and can be mended and read again.
func TestRejects(t *testing.T) {
	const source = "\ufeffemail,hash\r\na@x.example,hunter2\r\nb@x.example,\r\n\"c@x.example\",\"two\r\nlines\"\r\nd@x.example,hunter3"
	p := readAny(t, file(t, "a.csv", source), importer.Options{})
	path := filepath.Join(t.TempDir(), "rejected.csv")
	must(t, p.WriteRejects(path))
	got, err := os.ReadFile(path)
	must(t, err)
	if want := "\ufeffemail,hash\r\na@x.example,hunter2\r\n\"c@x.example\",\"two\r\nlines\"\r\nd@x.example,hunter3\n"; string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	private(t, path)
	if again := readAny(t, path, importer.Options{}).Result(); again.Read != 3 || again.Bad != 3 {
		t.Errorf("%+v", again)
	}

	changed := file(t, "b.csv", source)
	p = readAny(t, changed, importer.Options{})
	must(t, os.WriteFile(changed, []byte(source+"\n"), 0o600))
	if err := p.WriteRejects(path); err == nil || !strings.Contains(err.Error(), "changed") {
		t.Errorf("of a file that has changed: %v", err)
	}
}

func private(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode() != 0o600 {
		t.Errorf("%s has mode %v", path, info.Mode())
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("%v is left", entries)
	}
}

// Rows of a table that were rejected become JSON lines, which can be read in its place.
func TestRejectsOfATable(t *testing.T) {
	store := &memstore.Store{}
	for i, email := range []string{"bob@example.com", "dave@example.com"} {
		must(t, store.CreateUser(t.Context(), &auth.User{ID: fmt.Sprint(i), Email: email, PasswordHash: hashB}))
	}
	p := read(t, fixture(t, "flask.sql", ""), importer.Options{})
	if got := run(t, p, store, nil); got.Bad != 2 || got.Imported != 2 {
		t.Errorf("%+v", got)
	}
	path := filepath.Join(t.TempDir(), "rejected.jsonl")
	must(t, p.WriteRejects(path))
	private(t, path)
	again := read(t, path, importer.Options{})
	if got := run(t, again, &memstore.Store{}, nil); got.Imported != 2 || got.WithoutPassword != 1 || got.Confirmed != 1 || again.Format != "jsonl" {
		t.Errorf("%s: %+v", again.Format, got)
	}
}

// The mapping has who was imported, now and before, and who was kept.
func TestMapping(t *testing.T) {
	store := &memstore.Store{}
	must(t, store.CreateUser(t.Context(), &auth.User{ID: "kept", Email: "c@x.example", PasswordHash: hashB}))
	must(t, store.CreateUser(t.Context(), &auth.User{ID: "there", Email: "b@x.example", PasswordHash: hashA}))
	o := importer.Options{NeedIDs: true, KeepExisting: true}
	p := read(t, file(t, "a", "id,email,hash\n1,a@x.example,"+hashA+"\n2,b@x.example,"+hashA+"\n3,c@x.example,"+hashA+"\n"), o)
	run(t, p, store, nil)
	path := filepath.Join(t.TempDir(), "mapping.csv")
	must(t, p.WriteMapping(path))
	private(t, path)
	a, err := store.UserByLogin(t.Context(), "a@x.example")
	must(t, err)
	got, err := os.ReadFile(path)
	must(t, err)
	if want := "old_id,new_id\n1," + a.ID + "\n2,there\n3,kept\n"; string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A column may have any name, if it is told.
func TestColumns(t *testing.T) {
	const source = "login,secret,email,since\na@x.example," + hashA + ",,2021-03-04\n"
	o := importer.Options{Columns: map[string]string{"email": "login", "hash": "secret", "created": "-"}}
	p := read(t, file(t, "a", source), o)
	if p.Columns["email"] != "login" || p.Columns["hash"] != "secret" || !slices.Equal(p.Ignored, []string{"email", "since"}) {
		t.Errorf("%v, %v", p.Columns, p.Ignored)
	}
}

// Who is confirmed without a date is so since the account was made.
func TestConfirmed(t *testing.T) {
	for _, test := range []struct {
		o    importer.Options
		want int
	}{{importer.Options{}, 2}, {importer.Options{Confirmed: true}, 3}} {
		p := read(t, file(t, "a", "email,hash,confirmed\na@x.example,,\nb@x.example,,true\nc@x.example,,2021-03-04\n"), test.o)
		if got := p.Result().Confirmed; got != test.want {
			t.Errorf("%+v: %d", test.o, got)
		}
	}
}
