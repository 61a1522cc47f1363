package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/vestibule-go/auth/metrics"
)

// count has everything counted, if somebody is to see it: see the flag -metrics.
func (s *shop) count(o *options) {
	if o.metrics != "" {
		s.metrics = metrics.New()
		s.store = s.metrics.Store(s.store)
	}
}

// watch shows how busy the shop is at the moment.
func (s *shop) watch() {
	if s.metrics != nil {
		s.metrics.Watch(s.auth)
		s.metrics.WatchMails(s.links)
	}
}

// serveMetrics shows /metrics on a listener of its own, which visitors do not reach, until
// what it returns is called.
func (s *shop) serveMetrics(o *options, logger *slog.Logger) (stop func() error, err error) {
	if s.metrics == nil {
		return func() error { return nil }, nil
	}
	listener, err := net.Listen("tcp", o.metrics)
	if err != nil {
		return nil, fmt.Errorf("-metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", s.metrics)
	server := newServer(mux, logger)
	go server.Serve(listener)
	logger.Info("metrics are shown", "url", "http://"+listener.Addr().String()+"/metrics")
	return server.Close, nil
}
