// Package metrics counts what an [auth.Manager] does, and shows it to Prometheus, or to expvar. It needs no
// library of either.
//
//	set := metrics.New()
//	store = set.Store(store)
//	m, err := auth.New(store, &auth.Config{Hasher: set.Hasher(nil), Hooks: []auth.Hooks{set.Hooks()}, …})
//	set.Watch(m)
//	set.WatchMails(links)
//	go http.ListenAndServe("127.0.0.1:9100", set)
//
// Each part is of use without the others: without Store there are no counts of calls, and so on.
// The guide docs/metrics.md has a table of all metrics, alerts, and what to do about each; dashboard.json is for
// Grafana, and alerts.yaml for Prometheus.
//
// # Cardinality and privacy
//
// Every label has a closed set of values, written down in this package, so that neither attackers nor
// mistakes make more series: see [Labels]. None of them tells one user, address or session from another.
// Serve the [Set] to nobody else all the same, from a listener of its own: how many passwords were wrong within a second, and why, is what
// the pages do not tell.
package metrics
