// Printedcodes is an application with a second factor of its own: sheets of printed codes, each good for one
// login. The library knows nothing of it. The guide is docs/second-factor.md.
//
// Start it, and open the address that it prints:
//
//	go run ./examples/printedcodes
//
// Everything is kept in the folder printedcodes-data, mails included. To help a user who has lost the sheet:
//
//	go run ./examples/printedcodes -remove ann@example.com
//
// To take the factor into an application of your own copy codes.go, pages.go, notices.go, codes.css and the
// folder templates, and see app.go for where they are put in.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	_ "modernc.org/sqlite"

	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/sqlstore"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "`host:port` to listen on")
	data := flag.String("data", "printedcodes-data", "`folder` for the database and the mails, made if it is missing")
	remove := flag.String("remove", "", "switch the second factor of the user with that `email` off, and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *data, *remove); err != nil {
		fmt.Fprintln(os.Stderr, "printedcodes:", err)
		os.Exit(1)
	}
}

// run serves visitors until ctx is done or, if remove is not empty, does what an administrator asks for.
func run(ctx context.Context, addr, data, remove string) error {
	outbox, err := email.NewDir(filepath.Join(data, "mails"), "Printed codes <noreply@localhost>")
	if err != nil {
		return err
	}
	store, closeStore, err := open(ctx, data)
	if err != nil {
		return err
	}
	defer closeStore()
	a, err := newApp(store, outbox, "http://"+addr, nil, slog.Default())
	if err != nil {
		return err
	}
	defer a.close()
	if remove != "" {
		return a.remove(ctx, remove)
	}
	return serve(ctx, addr, a.handler)
}

// open returns the store in that folder, and what closes it.
func open(ctx context.Context, data string) (*sqlstore.Store, func(), error) {
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(filepath.Join(data, "printedcodes.db"))}).EscapedPath()}
	db, err := sql.Open("sqlite", file.String()+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		return nil, nil, err
	}
	store := sqlstore.New(db, sqlstore.SQLite)
	closeAll := func() { store.Close(); db.Close() }
	if _, err := store.Migrate(ctx); err != nil {
		closeAll()
		return nil, nil, err
	}
	return store, closeAll, nil
}

// serve listens until ctx is done, and then lets open requests finish.
func serve(ctx context.Context, addr string, h http.Handler) error {
	server := &http.Server{
		Addr: addr, Handler: h,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	slog.Info("listening on http://" + addr)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(grace)
}
