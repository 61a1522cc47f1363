package otelauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/vestibule-go/auth"
)

// end ends a span, and counts how long it was.
func (o *Observer) end(ctx context.Context, span trace.Span, h metric.Float64Histogram, begin time.Time, outcome string, failed bool, err error, attrs ...attribute.KeyValue) {
	attrs = append(attrs, attribute.String("auth.outcome", outcome))
	if failed {
		attrs = append(attrs, attribute.String("error.type", errorType(err)))
		span.SetStatus(codes.Error, "")
	}
	h.Record(ctx, time.Since(begin).Seconds(), metric.WithAttributes(attrs...))
	span.SetAttributes(attrs...)
	span.End()
}

// errorType returns the type of the innermost error, which says no more than the source does. Of several that are
// wrapped at once it follows the last: what comes before is a word of ours, such as auth.ErrUnavailable.
func errorType(err error) string {
	for {
		switch {
		case err == nil:
			return "_OTHER" // what the semantic conventions call an error of no type
		case errors.Is(err, auth.ErrBusy):
			return "busy"
		case errors.Is(err, context.DeadlineExceeded):
			return "timeout"
		}
		inner := errors.Unwrap(err)
		if several, ok := err.(interface{ Unwrap() []error }); ok && len(several.Unwrap()) > 0 {
			inner = several.Unwrap()[len(several.Unwrap())-1]
		}
		if inner == nil {
			return fmt.Sprintf("%T", err)
		}
		err = inner
	}
}
