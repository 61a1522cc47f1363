// Vestibule looks after the users of an application that keeps them by package sqlstore: it lists, makes, disables and
// deletes them, sets passwords, ends sessions, migrates the tables, and looks for what is wrong.
//
//	vestibule users list -db app.db
//	vestibule -h
//
// The guide is docs/shell.md. An application with stores, hooks or settings of its own builds its own from package shell.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/vestibule-go/auth/cmd/vestibule/internal/database"
	"github.com/vestibule-go/auth/cmd/vestibule/internal/mailer"
	"github.com/vestibule-go/auth/cmd/vestibule/shell"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(shell.Run(ctx, os.Args[1:], &shell.App{Open: database.Open, OpenMailer: mailer.Open}))
}
