package otelauth

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/metric"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/metrics"
)

// Watch shows from now on how busy the seats of m are; nil does nothing. It returns an error if the MeterProvider refuses.
func (o *Observer) Watch(m *auth.Manager) error {
	if m == nil {
		return nil
	}
	var errs [4]error
	gauge := func(i int, name, what string) metric.Int64ObservableGauge {
		g, err := o.meter.Int64ObservableGauge(name, metric.WithDescription(what))
		errs[i] = err
		return g
	}
	seats := gauge(0, "auth.hash.seats", "Seats for hashing passwords.")
	used := gauge(1, "auth.hash.seats.used", "Seats that hash a password.")
	waiting := gauge(2, "auth.hash.waiting", "Passwords that wait for a seat.")
	if err := errors.Join(errs[:]...); err != nil {
		return fmt.Errorf("otelauth: %w", err)
	}
	_, errs[3] = o.meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		load := m.HashLoad()
		to.ObserveInt64(seats, int64(load.Seats))
		to.ObserveInt64(used, int64(load.Used))
		to.ObserveInt64(waiting, int64(load.Waiting))
		return nil
	}, seats, used, waiting)
	return errors.Join(errs[:]...)
}

// WatchMails shows from now on how many mails wait in q, such as an *email.Links; nil does nothing. It returns an error if the MeterProvider refuses.
func (o *Observer) WatchMails(q metrics.Queue) error {
	if q == nil {
		return nil
	}
	length, err := o.meter.Int64ObservableGauge("auth.mail.queue.length", metric.WithDescription("Mails that wait to be sent, or to be tried again."))
	if err != nil {
		return fmt.Errorf("otelauth: %w", err)
	}
	capacity, err := o.meter.Int64ObservableGauge("auth.mail.queue.capacity", metric.WithDescription("Mails for which the queue has room."))
	if err != nil {
		return fmt.Errorf("otelauth: %w", err)
	}
	_, err = o.meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		mails, room := q.Queued()
		to.ObserveInt64(length, int64(mails))
		to.ObserveInt64(capacity, int64(room))
		return nil
	}, length, capacity)
	return err
}
