// Ownstore is an application that had users before it had package auth: they are in a
// table of its own, with integer IDs and columns that only the application knows.
//
//	go run ./examples/ownstore -demo
//
// Begin to read in members.go, which is the table, and go on in stores.go, which puts it
// together with the rest, and in app.go, which has the pages. adopt.go is about the users
// that were there before. The guide is docs/own-store.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
)

func main() {
	file := flag.String("db", "ownstore.db", "SQLite database `file`, made if it is missing")
	mails := flag.String("mails", "ownstore.mails", "`directory` in which mails are kept instead of being sent")
	demo := flag.Bool("demo", false, "first bring along the users of an earlier application, if the database is new")
	flag.Parse()
	log.Fatal(run(context.Background(), *file, *mails, *demo))
}

func run(ctx context.Context, file, mails string, demo bool) error {
	db, err := openSQLite(file)
	if err != nil {
		return err
	}
	defer db.Close()
	if demo {
		if err := bringAlong(ctx, db); err != nil {
			return err
		}
		fmt.Println("ann@example.com has the password", annPassword+"; bob@example.com has none yet")
	}
	mailer, err := email.NewDir(mails, "Ownstore <noreply@localhost>")
	if err != nil {
		return err
	}
	own, store, err := openStores(ctx, db)
	if err != nil {
		return err
	}
	a, err := newApp(own, store, mailer, "http://localhost:8080", auth.Bcrypt(0))
	if err != nil {
		return err
	}
	fmt.Println("listening on http://localhost:8080, mails go to", mails)
	return http.ListenAndServe("localhost:8080", a.handler())
}
