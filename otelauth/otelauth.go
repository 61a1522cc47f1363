// Package otelauth shows OpenTelemetry what an [auth.Manager] does: calls of the store and hashing of passwords as spans, events as
// events of the span that is current, and all of them as metrics.
//
//	o, err := otelauth.New(nil) // the providers that otel.SetTracerProvider and otel.SetMeterProvider were called with
//	…
//	store = o.Store(store)
//	m, err := auth.New(store, &auth.Config{Hooks: []auth.Hooks{o.Hooks()}, …})
//	…
//	err = o.Watch(m)
//	err = o.WatchMails(links)
//
// Spans become children of the one in the context of the request: put otelhttp, or whatever begins a span for each request, around
// Manager.Handler. It is a module of its own, so that who does without OpenTelemetry does not download it.
//
// # Privacy
//
// Attributes are the names of methods, outcomes, events and reasons, all from closed sets: see [metrics.Labels] and
// [metrics.Outcome]. Neither passwords, hashes, tokens, emails and addresses nor the texts of errors, in which a database may
// quote what it was given, become part of a trace. Config.UserIDs adds the IDs of users, if you ask for them.
package otelauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/metrics"
)

// scope is the name of what makes the spans and the metrics.
const scope = "github.com/vestibule-go/auth/otelauth"

// Config adjusts an [Observer]. The zero Config is ready for use.
type Config struct {
	// TracerProvider makes the spans; nil means otel.GetTracerProvider().
	TracerProvider trace.TracerProvider

	// MeterProvider makes the metrics; nil means otel.GetMeterProvider().
	MeterProvider metric.MeterProvider

	// UserIDs puts User.ID into events of spans, as enduser.id. Traces are often kept elsewhere, and for longer than an account:
	// who can read them learns then which requests were one person's. Never in metrics.
	UserIDs bool
}

// Observer makes spans and metrics. Make one with [New]. It is safe for concurrent use.
type Observer struct {
	tracer  trace.Tracer
	meter   metric.Meter
	userIDs bool

	events metric.Int64Counter
	calls  metric.Float64Histogram
	hashes metric.Float64Histogram
}

// New returns an Observer; a nil cfg is the zero Config. It returns an error if the MeterProvider refuses a metric.
func New(cfg *Config) (*Observer, error) {
	var c Config
	if cfg != nil {
		c = *cfg
	}
	if c.TracerProvider == nil {
		c.TracerProvider = otel.GetTracerProvider()
	}
	if c.MeterProvider == nil {
		c.MeterProvider = otel.GetMeterProvider()
	}
	o := &Observer{tracer: c.TracerProvider.Tracer(scope), meter: c.MeterProvider.Meter(scope), userIDs: c.UserIDs}
	if err := o.instruments(); err != nil {
		return nil, fmt.Errorf("otelauth: %w", err)
	}
	return o, nil
}

// instruments makes all metrics but those that are watched. Their bounds are those of package metrics.
func (o *Observer) instruments() error {
	var errs [3]error
	o.events, errs[0] = o.meter.Int64Counter("auth.events", metric.WithUnit("{event}"),
		metric.WithDescription("Events of the Manager and of features, by name and, where there are few, by reason."))
	o.calls, errs[1] = o.meter.Float64Histogram("auth.store.call.duration", metric.WithUnit("s"),
		metric.WithDescription("How long calls of the store took."),
		metric.WithExplicitBucketBoundaries(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5))
	o.hashes, errs[2] = o.meter.Float64Histogram("auth.hash.duration", metric.WithUnit("s"),
		metric.WithDescription("How long passwords were hashed or verified, with the wait for a seat."),
		metric.WithExplicitBucketBoundaries(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 0.75, 1, 2.5, 5))
	return errors.Join(errs[:]...)
}

// Hooks returns what tells of events and of hashing: it belongs into auth.Config.Hooks.
func (o *Observer) Hooks() auth.Hooks { return auth.Hooks{Event: o.event, Hash: o.hash} }

func (o *Observer) event(ctx context.Context, e auth.Event) {
	name, reason := metrics.Labels(e)
	attrs := []attribute.KeyValue{attribute.String("auth.event.name", name)}
	if reason != "" {
		attrs = append(attrs, attribute.String("auth.event.reason", reason))
	}
	o.events.Add(ctx, 1, metric.WithAttributes(attrs...))
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	if o.userIDs && e.UserID != "" {
		attrs = append(attrs[:len(attrs):len(attrs)], attribute.String("enduser.id", e.UserID))
	}
	span.AddEvent("auth."+name, trace.WithTimestamp(e.Time), trace.WithAttributes(attrs...))
}

// hash is an auth.Hooks.Hash.
func (o *Observer) hash(ctx context.Context) (done func(error)) {
	ctx, span := o.tracer.Start(ctx, "auth hash password")
	begin := time.Now()
	return func(err error) {
		outcome := "ok"
		switch {
		case errors.Is(err, auth.ErrBusy):
			outcome = "busy"
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
			outcome = "canceled"
		case err != nil:
			outcome = "error"
		}
		o.end(ctx, span, o.hashes, begin, outcome, outcome == "busy" || outcome == "error", err)
	}
}
