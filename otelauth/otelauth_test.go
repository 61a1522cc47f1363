package otelauth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/otelauth"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/storetest"
)

const ann = "ann@example.com"

// site is an application whose requests are spans, as otelhttp would make them.
type site struct {
	*authtest.Client
	t      *testing.T
	o      *otelauth.Observer
	spans  *tracetest.SpanRecorder
	reader *sdkmetric.ManualReader
	tracer *sdktrace.TracerProvider
	broken atomic.Pointer[error] // what the store returns instead of an answer
}

func newSite(t *testing.T, cfg otelauth.Config) *site {
	t.Helper()
	s := &site{t: t, spans: tracetest.NewSpanRecorder(), reader: sdkmetric.NewManualReader()}
	s.tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(s.spans))
	cfg.TracerProvider, cfg.MeterProvider = s.tracer, sdkmetric.NewMeterProvider(sdkmetric.WithReader(s.reader))
	var err error
	if s.o, err = otelauth.New(&cfg); err != nil {
		t.Fatal(err)
	}
	s.Client = authtest.NewClient(t, s.app())
	return s
}

func (s *site) app() http.Handler {
	t := s.t
	t.Helper()
	store := s.o.Store(&storetest.Faulty{Store: memstore.New(), Before: func(string) error {
		if err := s.broken.Load(); err != nil {
			return *err
		}
		return nil
	}})
	m, err := auth.New(store, authtest.Config(t, &auth.Config{Hooks: []auth.Hooks{s.o.Hooks(), email.Hooks(time.Hour)}, Logger: slog.New(slog.DiscardHandler)}))
	if err != nil {
		t.Fatal(err)
	}
	links, err := email.New(m, store, &email.Config{Mailer: &authtest.Outbox{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { links.Close(context.Background()) })
	pages, err := pages.New(&pages.Config{SignupLogsIn: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.o.Watch(m), s.o.WatchMails(links), s.o.Watch(nil), s.o.WatchMails(nil)); err != nil {
		t.Fatal(err)
	}
	h := m.Handler(pages.Handler(m, links))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := s.tracer.Tracer("http").Start(r.Context(), "request")
		defer span.End()
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// named returns all spans of that name.
func (s *site) named(name string) (list []sdktrace.ReadOnlySpan) {
	for _, span := range s.spans.Ended() {
		if span.Name() == name {
			list = append(list, span)
		}
	}
	return list
}

func text(attrs []attribute.KeyValue) string {
	var list []string
	for _, a := range attrs {
		list = append(list, string(a.Key)+"="+a.Value.String())
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// points returns all metrics as text: name, attributes, and the value, or how many values a histogram has.
func (s *site) points() map[string]int64 {
	s.t.Helper()
	var all metricdata.ResourceMetrics
	if err := s.reader.Collect(s.t.Context(), &all); err != nil {
		s.t.Fatal(err)
	}
	points := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					points[m.Name+" "+text(p.Attributes.ToSlice())] = p.Value
				}
			case metricdata.Gauge[int64]:
				for _, p := range d.DataPoints {
					points[m.Name+" "+text(p.Attributes.ToSlice())] = p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					points[m.Name+" "+text(p.Attributes.ToSlice())] = int64(p.Count)
				}
			}
		}
	}
	return points
}

// events returns the events of spans of requests, as text.
func (s *site) events() (list []string) {
	for _, span := range s.named("request") {
		for _, e := range span.Events() {
			list = append(list, e.Name+" "+text(e.Attributes))
		}
	}
	return list
}

func TestSpans(t *testing.T) {
	s := newSite(t, otelauth.Config{})
	s.Signup(ann, authtest.Password).Want(http.StatusSeeOther)
	s.spans.Reset()
	s.Get("/account/password").Want(http.StatusOK)
	ended := s.spans.Ended()
	if len(ended) != 2 || ended[0].Name() != "auth store Session" || ended[1].Name() != "request" {
		t.Fatalf("a signed-in request has spans %v", ended)
	}
	if ended[0].Parent().SpanID() != ended[1].SpanContext().SpanID() {
		t.Error("the call of the store is no child of the request")
	}
	if got := text(ended[0].Attributes()); got != "auth.outcome=ok db.operation.name=Session" {
		t.Errorf("attributes are %s", got)
	}
	s.Logout().Want(http.StatusSeeOther)
	s.spans.Reset()
	s.Login(ann, "a wrong password, of course").Want(http.StatusUnprocessableEntity)
	hash := s.named("auth hash password")
	requests := s.named("request")
	if len(hash) != 1 || hash[0].Parent().SpanID() != requests[len(requests)-1].SpanContext().SpanID() || text(hash[0].Attributes()) != "auth.outcome=ok" {
		t.Errorf("spans of hashing: %v", hash)
	}
	if got := s.events(); !slices.Contains(got, "auth.login_failed auth.event.name=login_failed auth.event.reason=wrong password") {
		t.Errorf("events: %q", got)
	}
	points := s.points()
	for point, n := range map[string]int64{
		"auth.events auth.event.name=login_failed auth.event.reason=wrong password": 1,
		"auth.events auth.event.name=logged_out":                                    1,
		"auth.hash.duration auth.outcome=ok":                                        2,
		"auth.store.call.duration auth.outcome=ok db.operation.name=CreateUser":     1,
		"auth.hash.waiting ":        0,
		"auth.mail.queue.capacity ": 1000,
	} {
		if got, ok := points[point]; !ok || got != n {
			t.Errorf("%s is %d (there: %v), want %d", point, got, ok, n)
		}
	}
	if points["auth.hash.seats "] < 1 {
		t.Error("no seats")
	}
}

// quoting is an error that quotes what it was given, as databases do.
type quoting struct{ what string }

func (q quoting) Error() string { return "cannot find " + q.what }

func TestFailures(t *testing.T) {
	s := newSite(t, otelauth.Config{})
	s.Get("/login")
	broken := fmt.Errorf("driver: %w", quoting{ann})
	s.broken.Store(&broken)
	s.Login(ann, authtest.Password).Want(http.StatusInternalServerError)
	calls := s.named("auth store UserByLogin")
	if len(calls) != 1 || calls[0].Status().Code != codes.Error || text(calls[0].Attributes()) != "auth.outcome=error db.operation.name=UserByLogin error.type=otelauth_test.quoting" {
		t.Errorf("spans %v", calls)
	}
	if n := s.points()["auth.events auth.event.name=failed auth.event.reason=find user"]; n != 1 {
		t.Errorf("%d failures are counted", n)
	}
	s.broken.Store(nil)
	s.Login(ann, authtest.Password).Want(http.StatusUnprocessableEntity)
	if calls = s.named("auth store UserByLogin"); len(calls) != 2 || calls[1].Status().Code != codes.Unset || text(calls[1].Attributes()) != "auth.outcome=not_found db.operation.name=UserByLogin" {
		t.Errorf("spans %v", calls)
	}
	s.wantNo(ann, authtest.Password)
}

// wantNo checks that nothing that is exported has one of those texts in it.
func (s *site) wantNo(secrets ...string) {
	s.t.Helper()
	all := fmt.Sprintf("%+v %v", tracetest.SpanStubsFromReadOnlySpans(s.spans.Ended()), s.points())
	for _, secret := range secrets {
		if strings.Contains(all, secret) {
			s.t.Errorf("%q is exported", secret)
		}
	}
}

func TestNothingPrivateIsExported(t *testing.T) {
	for _, ids := range []bool{false, true} {
		s := newSite(t, otelauth.Config{UserIDs: ids})
		s.Signup(ann, authtest.Password).Want(http.StatusSeeOther)
		token := s.Cookie("session").Value
		s.Get("/account/password").Want(http.StatusOK)
		s.Logout().Want(http.StatusSeeOther)
		s.Login(ann, "a wrong password, of course")
		s.Login(ann, authtest.Password).Want(http.StatusSeeOther)
		s.wantNo(ann, authtest.Password, token, s.Cookie("session").Value, "a wrong password", "198.18.", "/login")
		found := slices.ContainsFunc(s.events(), func(e string) bool { return strings.Contains(e, "enduser.id=") })
		if found != ids {
			t.Errorf("UserIDs %v: IDs in events: %v", ids, found)
		}
		for point := range s.points() {
			if strings.Contains(point, "enduser") {
				t.Errorf("a metric has users: %s", point)
			}
		}
	}
}

func TestHashingEnds(t *testing.T) {
	s := newSite(t, otelauth.Config{})
	for _, c := range []struct {
		err  error
		want string
		code codes.Code
	}{
		{nil, "auth.outcome=ok", codes.Unset},
		{fmt.Errorf("x: %w", auth.ErrBusy), "auth.outcome=busy error.type=busy", codes.Error},
		{context.Canceled, "auth.outcome=canceled", codes.Unset},
		{errors.New(ann), "auth.outcome=error error.type=*errors.errorString", codes.Error},
		{fmt.Errorf("%w: %w", auth.ErrUnavailable, quoting{}), "auth.outcome=error error.type=otelauth_test.quoting", codes.Error},
	} {
		s.spans.Reset()
		s.o.Hooks().Hash(t.Context())(c.err)
		if spans := s.spans.Ended(); len(spans) != 1 || text(spans[0].Attributes()) != c.want || spans[0].Status().Code != c.code || spans[0].Status().Description != "" {
			t.Errorf("%v: %v", c.err, spans)
		}
	}
}

func TestPanickingStore(t *testing.T) {
	s := newSite(t, otelauth.Config{})
	store := s.o.Store(&storetest.Faulty{Store: memstore.New(), Before: func(string) error { panic("store") }})
	func() {
		defer func() {
			if p := recover(); p != "store" {
				t.Errorf("panicked with %v", p)
			}
		}()
		store.UserByID(t.Context(), "u")
	}()
	if spans := s.named("auth store UserByID"); len(spans) != 1 || spans[0].Status().Code != codes.Error || text(spans[0].Attributes()) != "auth.outcome=error db.operation.name=UserByID error.type=_OTHER" {
		t.Errorf("spans %v", spans)
	}
}

func TestStore(t *testing.T) {
	o, err := otelauth.New(&otelauth.Config{
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(tracetest.NewSpanRecorder())),
		MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())),
	})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, func(*testing.T) auth.Store { return o.Store(memstore.New()) })
}

// The zero Config takes the global providers, also if they are set later.
func TestGlobalProviders(t *testing.T) {
	o, err := otelauth.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	spans, reader := tracetest.NewSpanRecorder(), sdkmetric.NewManualReader()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	defer otel.SetMeterProvider(noop.NewMeterProvider())
	o.Store(memstore.New()).UserByID(t.Context(), "u")
	o.Hooks().Event(t.Context(), auth.Event{Name: auth.EventLoggedOut})
	s := &site{t: t, reader: reader}
	if n := s.points()["auth.events auth.event.name=logged_out"]; n != 1 || len(spans.Ended()) != 1 {
		t.Errorf("%d events, spans %v", n, spans.Ended())
	}
}

// What auth.New refuses it refuses with traces, too.
func TestNothingIsHiddenFromNew(t *testing.T) {
	o, err := otelauth.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for says, store := range map[string]auth.Store{
		"store is nil":           o.Store(nil),
		"Stores.CredentialStore": o.Store(&auth.Stores{UserStore: memstore.New(), SessionStore: memstore.New()}),
		"store is nil\n":         o.Store((*auth.Stores)(nil)),
	} {
		if _, err := auth.New(store, &auth.Config{BaseURL: authtest.BaseURL, Hasher: auth.Bcrypt(9)}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want an error that says %q, got %v", says, err)
		}
	}
}
