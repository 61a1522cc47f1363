package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/lang"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/throttle"
)

const name = "Printed codes" // of the application, on pages and in mails

// app is the whole application: the pages of the library, the factor, and one page of its own.
type app struct {
	m       *auth.Manager
	store   auth.Store
	codes   *Codes
	links   *email.Links
	handler http.Handler
}

// newApp returns the application on that store. A nil hasher means the library's.
func newApp(store auth.Store, mailer email.Mailer, baseURL string, hasher auth.Hasher, logger *slog.Logger) (*app, error) {
	site, err := newSite()
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
	if a.links, err = email.New(m, store, &email.Config{Mailer: mailer, SiteName: name, Write: write}); err != nil {
		return nil, err
	}
	a.handler = a.routes(site)
	return a, nil
}

// newSite returns the pages of the library, with the templates of the factor and a link to it in the menu. Those are in
// English, so all are.
func newSite() (*pages.Site, error) {
	return pages.New(&pages.Config{
		Name:         name,
		Account:      []pages.Link{{Label: "Printed codes", Path: accountPath}},
		Templates:    files,
		Languages:    lang.Catalog{lang.English()},
		SignupLogsIn: true,
	})
}

func (a *app) routes(site *pages.Site) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", site.Handler(a.m, a.links))
	factor := &codePages{a.m, a.codes, site, a.links.Notify}
	factor.routes(mux)
	mux.Handle("GET /{$}", a.m.RequireLogin(a.home(site)))
	return a.m.Handler(mux)
}

func (a *app) home(site *pages.Site) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		on, err := a.codes.On(r.Context(), auth.CurrentUser(r.Context()).ID)
		if err != nil {
			auth.Problem(w, r, http.StatusServiceUnavailable, "unavailable", "This is not possible at the moment. Please try again soon.")
			return
		}
		page := site.NewPage(r, "templates/home.html", "Home")
		page.Value = on
		site.Show(w, http.StatusOK, page)
	})
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
	a.links.Notify(ctx, u, noticeOff)
	return nil
}

// close sends what is to be sent.
func (a *app) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	a.links.Close(ctx)
}
