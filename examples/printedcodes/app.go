package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/throttle"
)

// app is the whole application: the pages of the library, the factor, and one page of its own.
type app struct {
	m       *auth.Manager
	store   auth.Store
	codes   *Codes
	links   *email.Links // what the library mails
	notices *email.Links // what the factor does: see newMail
	handler http.Handler
}

// newApp returns the application on that store. A nil hasher means the library's.
func newApp(store auth.Store, mailer email.Mailer, baseURL string, hasher auth.Hasher, logger *slog.Logger) (*app, error) {
	frame, err := fs.Sub(files, "frame")
	if err != nil {
		return nil, err
	}
	site, err := pages.New(&pages.Config{Name: "Printed codes", Templates: frame, SignupLogsIn: true})
	if err != nil {
		return nil, err
	}
	limiter, err := throttle.New(auth.ThrottleStore(store), throttle.Rules{Others: Rules()})
	if err != nil {
		return nil, err
	}
	m, err := auth.New(store, &auth.Config{
		BaseURL:         baseURL,
		SecondFactorURL: codePath,
		Limiter:         limiter,
		Hooks:           []auth.Hooks{email.Hooks(24 * time.Hour), Hooks(store)},
		CSRFRefused:     http.HandlerFunc(site.CSRFRefused),
		Hasher:          hasher,
		Logger:          logger,
	})
	if err != nil {
		return nil, err
	}
	a := &app{m: m, store: store, codes: &Codes{m, store}}
	if err := a.newMail(mailer); err != nil {
		return nil, err
	}
	a.handler = a.routes(site)
	return a, nil
}

// newMail makes two senders: Config.Write of the second has words for the notices of the factor, and none
// for the mails of the library, which keep theirs.
func (a *app) newMail(mailer email.Mailer) (err error) {
	const name = "Printed codes"
	if a.links, err = email.New(a.m, a.store, &email.Config{Mailer: mailer, SiteName: name}); err != nil {
		return err
	}
	a.notices, err = email.New(a.m, a.store, &email.Config{Mailer: mailer, SiteName: name, Write: write})
	return err
}

func (a *app) routes(site *pages.Site) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", site.Handler(a.m, a.links))
	mux.Handle("GET /{$}", a.m.RequireLogin(http.HandlerFunc(a.home)))
	factor := &codePages{a.m, a.codes, a.notices.Notify}
	factor.routes(mux)
	return a.m.Handler(mux)
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	u := auth.CurrentUser(r.Context())
	on, err := a.codes.On(r.Context(), u.ID)
	if err != nil {
		auth.Problem(w, r, http.StatusServiceUnavailable, "unavailable", "This is not possible at the moment. Please try again soon.")
		return
	}
	render(w, r, http.StatusOK, "home.html", &page{Title: "Home", Email: u.Email, On: on})
}

// remove is for administrators: it helps a user who has lost the sheet, and has proved otherwise who they are.
// The sheet may be in wrong hands, and a session with it, so the sessions end.
func (a *app) remove(ctx context.Context, address string) error {
	address, err := auth.CanonicalEmail(address)
	if err != nil {
		return err
	}
	u, err := a.store.UserByLogin(ctx, address)
	if err != nil {
		return fmt.Errorf("find %s: %w", address, err)
	}
	if err := a.codes.Remove(ctx, u.ID); err != nil {
		return err
	}
	if err := a.m.EndSessions(ctx, u); err != nil {
		return err
	}
	a.notices.Notify(ctx, u, noticeOff)
	return nil
}

// close sends what is to be sent.
func (a *app) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	a.links.Close(ctx)
	a.notices.Close(ctx)
}
