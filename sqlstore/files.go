package sqlstore

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed migrations
var migrations embed.FS

// Migrations returns the files that [Store.Migrate] applies, for those who apply
// them with a tool of their own: plain SQL, named such that they sort in the order
// in which they belong, for tables with the prefix of d. A released file never
// changes, and none can be undone, for that would delete accounts. They do not
// create auth_migrations, which only Migrate needs.
//
// They are in the form of goose, which psql and its like take as well, and with
// atlas.sum in that of atlas; for golang-migrate see [UpMigrations]. The package
// comment shows how to use them. Migrations panics if d is the zero Dialect.
func Migrations(d Dialect) fs.FS {
	files := scripts(d)
	return folder(append(files, script{"atlas.sum", atlasSum(files)}))
}

// UpMigrations returns the files of [Migrations] under the names that golang-migrate
// wants: NAME.up.sql. There is no NAME.down.sql. It panics if d is the zero Dialect.
func UpMigrations(d Dialect) fs.FS {
	files := scripts(d)
	for i, f := range files {
		files[i].name = strings.TrimSuffix(f.name, ".sql") + ".up.sql"
	}
	return folder(files)
}

// script is a file.
type script struct{ name, text string }

// scripts returns the migrations of a dialect, in their order.
func scripts(d Dialect) (files []script) {
	if d.name == "" {
		panic("sqlstore: migrations are those of a dialect, such as sqlstore.SQLite")
	}
	dir := "migrations/" + d.name + "/"
	names, err := fs.Glob(migrations, dir+"*.sql")
	for _, name := range names {
		var text []byte
		if text, err = migrations.ReadFile(name); err != nil {
			break
		}
		files = append(files, script{strings.TrimPrefix(name, dir), d.names(string(text))})
	}
	if err != nil {
		panic(err) // what is embedded can be read
	}
	return files
}

// atlasSum returns what "atlas migrate hash" would write: a line for each file with
// the hash of the names and texts up to and with its own, below the hash of those
// lines.
func atlasSum(files []script) string {
	encode := base64.StdEncoding.EncodeToString
	each, all, lines := sha256.New(), sha256.New(), ""
	for _, f := range files {
		each.Write([]byte(f.name + f.text))
		sum := encode(each.Sum(nil))
		all.Write([]byte(f.name + sum))
		lines += fmt.Sprintf("%s h1:%s\n", f.name, sum)
	}
	return "h1:" + encode(all.Sum(nil)) + "\n" + lines
}

// folder returns a file system of these files. An archive in memory is one.
func folder(files []script) fs.FS {
	var b bytes.Buffer
	err := pack(zip.NewWriter(&b), files)
	if err != nil {
		panic(err) // memory can be written
	}
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		panic(err) // and read
	}
	return r
}

func pack(w *zip.Writer, files []script) error {
	for _, f := range files {
		to, err := w.Create(f.name)
		if err != nil {
			return err
		}
		if _, err := to.Write([]byte(f.text)); err != nil {
			return err
		}
	}
	return w.Close()
}
