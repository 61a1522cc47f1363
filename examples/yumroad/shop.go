package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/audit"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/metrics"
	"github.com/vestibule-go/auth/pages"
)

// shop is the whole application.
type shop struct {
	*kept
	auth    *auth.Manager
	links   *email.Links // in mails
	site    *pages.Site  // the pages of accounts
	trail   *audit.Trail // of what happened in them
	metrics *metrics.Set // nil: nothing is counted
	log     *slog.Logger
	https   bool

	timeout time.Duration // for what a request has to wait for
	ending  atomic.Bool   // the process has been told to end
}

// openShop opens what the shop is kept in, brings its tables up to date, and sets
// the shop up.
func openShop(ctx context.Context, o *options, logger *slog.Logger) (*shop, error) {
	kept, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &shop{kept: kept, log: logger, https: strings.HasPrefix(o.baseURL, "https:"), timeout: o.timeout}
	if err := s.setUp(o); err != nil {
		kept.close()
		return nil, fmt.Errorf("%w: %w", errOptions, err)
	}
	return s, nil
}

// setUp puts together what users need. What it does not like is in the flags.
func (s *shop) setUp(o *options) (err error) {
	if s.site, err = newSite(o); err != nil {
		return err
	}
	s.count(o)
	if s.trail, err = audit.New(s.store, nil); err != nil {
		return err
	}
	if s.auth, err = auth.New(s.store, s.config(o)); err != nil {
		return err
	}
	s.trail.Attach(s.auth)
	mailer, err := openMailer(o)
	if err != nil {
		return fmt.Errorf("-mail: %w", err)
	}
	s.links, err = email.New(s.auth, s.store, &email.Config{Mailer: mailer, SiteName: "Yumroad"})
	if err == nil {
		s.watch()
	}
	return err
}

// close sends the mails and writes the entries that are waiting, and then closes what the shop is kept in. Nobody
// may be served any more.
func (s *shop) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(s.links.Close(ctx), s.trail.Close(ctx), s.kept.close())
}

// config is all that package auth needs to know.
func (s *shop) config(o *options) *auth.Config {
	c := &auth.Config{
		BaseURL:        o.baseURL,
		HomeURL:        "/dashboard",
		Lifetime:       o.lifetime,
		IdleTimeout:    o.idle,
		RememberFor:    o.remember,
		Hasher:         hasher(o.bcryptCost),
		HashSeats:      o.hashSeats,
		Limiter:        s.limiter,
		Passwords:      auth.Policy{MinLength: o.minPassword, Words: []string{"yumroad"}},
		TrustedProxies: o.trustedProxies,
		Hooks:          s.hooks(o),
		CSRFRefused:    http.HandlerFunc(s.csrfRefused),
		Logger:         s.log,
	}
	if s.metrics != nil {
		c.Hasher, c.Hooks = s.metrics.Hasher(c.Hasher), append(c.Hooks, s.metrics.Hooks())
	}
	return c
}

// weakBcrypt is bcrypt at a cost that auth.New would refuse. It is here to make
// tests quick. Leave it out of an application of your own.
type weakBcrypt struct{ auth.Bcrypt }

func hasher(cost int) auth.Hasher {
	if cost < safeCost {
		return weakBcrypt{auth.Bcrypt(cost)}
	}
	return auth.Bcrypt(cost)
}

// routes has one pattern for each method and path of the shop. To these, ServeMux answers 405
// by itself if only the method is wrong.
func (s *shop) routes() *http.ServeMux {
	members := func(h http.HandlerFunc) http.Handler { return s.auth.RequireLogin(h) }

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /products/{id}", s.product)
	mux.Handle("GET /dashboard", members(s.dashboard))
	mux.Handle("POST /products", members(s.addProduct))
	mux.Handle("GET /account/activity", members(s.activity))
	s.routeAccounts(mux)

	mux.HandleFunc(healthPattern, health)
	mux.HandleFunc(readyPattern, s.ready)
	mux.HandleFunc(staticPattern, serveStatic)
	return mux
}

const (
	healthPattern = "GET /healthz"
	readyPattern  = "GET /readyz"
	staticPattern = "GET /static/{file}"
)

// health says that the process is there. It asks no database: one that is slow would
// have all replicas restarted at once.
func health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, "ok\n")
}

// ready says whether to send visitors here: not once the process has been told to end.
func (s *shop) ready(w http.ResponseWriter, r *http.Request) {
	if s.ending.Load() {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "ending", http.StatusServiceUnavailable)
		return
	}
	health(w, r)
}

// drain returns a context that ends so long after ctx. In between the shop still serves, and is not ready.
func (s *shop) drain(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	drained, end := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		s.ending.Store(true)
		time.AfterFunc(d, end)
	})
	return drained, end
}

// handler is what the server serves. Everything goes through auth's Handler, so
// that a route added later cannot miss the session or the check against forged
// forms. The three exceptions are named here.
func (s *shop) handler() http.Handler {
	mux := s.routes()
	guarded := s.auth.Handler(mux)
	return s.withHeaders(s.withDeadline(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch h, pattern := mux.Handler(r); pattern {
		case healthPattern, readyPattern, staticPattern:
			mux.ServeHTTP(w, r)
		case "":
			s.unrouted(w, r, h)
		default:
			guarded.ServeHTTP(w, r)
		}
	})))
}

// withDeadline gives up on a database or a Redis that does not answer: without it a request waits for as
// long as its visitor does.
func (s *shop) withDeadline(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// unrouted answers a request that matches no pattern. What it is, 404 or 405, the
// handler of ServeMux knows; this puts the shop's own page around it.
func (s *shop) unrouted(w http.ResponseWriter, r *http.Request, h http.Handler) {
	answer := &statusOnly{header: http.Header{}}
	h.ServeHTTP(answer, r)
	status := http.StatusNotFound
	if answer.status == http.StatusMethodNotAllowed {
		status = answer.status
		w.Header()["Allow"] = answer.header["Allow"]
	}
	var page http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, status) })
	if r.Method == http.MethodGet {
		page = s.auth.Handler(page) // to show who is logged in
	}
	page.ServeHTTP(w, r)
}

// statusOnly is a response of which only the status and the header are of interest.
type statusOnly struct {
	header http.Header
	status int
}

func (a *statusOnly) Header() http.Header         { return a.header }
func (a *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
func (a *statusOnly) WriteHeader(status int)      { a.status = status }
