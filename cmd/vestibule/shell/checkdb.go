package shell

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/vestibule-go/auth/sqlstore"
)

// checkDatabase looks at the tables, and reports whether users can be read from them.
func (o *operator) checkDatabase(ctx context.Context, x *examination) (usable bool, err error) {
	list, err := o.sql().MigrationStatus(ctx)
	if err != nil && !errors.Is(err, sqlstore.ErrUnrecorded) {
		return false, err
	}
	o.checkMigrations(x, list, err != nil)
	in, err := o.sql().Inspect(ctx)
	if err != nil {
		return false, err
	}
	o.checkTables(x, in)
	checkSQLite(x, in)
	return len(in.Missing) == 0 || o.app.Store != nil, nil
}

func (o *operator) checkMigrations(x *examination, list []sqlstore.Migration, unrecorded bool) {
	pending, unknown := sorted(list)
	if unrecorded {
		x.add(levelNote, "migrations", "there is no auth_migrations: another tool has made the tables", "this program cannot tell whether they are up to date",
			"see to it that the tool has all files of this version")
	}
	if len(pending) > 0 {
		x.add(levelError, "migrations", fmt.Sprintf("%s missing: %s", count(len(pending), "migration"), strings.Join(pending, ", ")),
			"an application of this version fails on what it does not find", o.name+" migrate up")
	}
	if len(unknown) > 0 {
		x.add(levelError, "migrations", fmt.Sprintf("%s newer than this program: %s", count(len(unknown), "migration"), strings.Join(unknown, ", ")),
			"this program does not know what the tables mean now, and changes nothing", "use the program of the application's version")
	}
}

// manyExpired is how many rows may wait until they are removed. An application removes them every five minutes.
const manyExpired = 1000

// slowClock is how far two clocks may be apart.
const slowClock = 5 * time.Second

func (o *operator) checkTables(x *examination, in *sqlstore.Inspection) {
	if len(in.Missing) > 0 {
		x.add(levelError, "tables", "missing: "+strings.Join(in.Missing, "; "),
			"without a column the application fails, without an index it reads whole tables, and without a unique one two users may have one address",
			"compare with the files of sqlstore.Migrations; perhaps a copy was put back without its indexes")
	}
	if in.Expired > manyExpired {
		x.add(levelNote, "expired", fmt.Sprintf("%d rows have expired and are not yet removed", in.Expired),
			"they do no harm, but applications remove them every five minutes: none seems to run", o.name+" credentials purge -expired")
	}
	if in.Orphans > 0 && o.app.Store == nil {
		x.add(levelWarning, "orphans", fmt.Sprintf("%d sessions or credentials are of users who do not exist", in.Orphans),
			"somebody has deleted users by SQL; nobody can use what is left, but it is somebody's data", "delete users with users delete, and these rows by SQL")
	}
	if in.Clock.Abs() > slowClock {
		x.add(levelWarning, "clock", fmt.Sprintf("the clock of the database's server differs by %v from the one here", in.Clock),
			"one of the two is wrong; where it is an application's, its links and sessions end too early or too late", "let both ask a time server")
	}
}

func checkSQLite(x *examination, in *sqlstore.Inspection) {
	if in.Journal == "" {
		return
	}
	if in.File != "" && in.Journal != "wal" {
		x.add(levelWarning, "journal", fmt.Sprintf("the journal mode is %s, not wal", in.Journal),
			"readers wait for writers, and every login writes", "open the database with journal_mode(WAL), as the documentation of sqlstore says")
	}
	if in.BusyTimeout < time.Second {
		x.add(levelWarning, "busy-timeout", fmt.Sprintf("connections wait for %v for others", in.BusyTimeout),
			"those who write at the same time get SQLITE_BUSY", "open the database with busy_timeout(5000)")
	}
	for _, name := range []string{in.File, in.File + "-wal"} {
		info, err := os.Stat(name)
		if in.File == "" || errors.Is(err, fs.ErrNotExist) || err != nil {
			continue
		}
		if mode := info.Mode().Perm(); mode&0o066 != 0 {
			x.add(levelError, "file-mode", fmt.Sprintf("%s has the mode %04o", name, mode),
				"others on this machine can read or change it, and it has the hashes of all passwords in it", "chmod 600 "+name)
		}
	}
}
