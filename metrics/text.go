package metrics

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// family is a metric with all its series.
type family struct {
	name, kind, help string
	samples          []sample
}

// sample is the value of one series.
type sample struct {
	suffix string   // of the name
	labels []string // names and values, in turns
	value  float64
}

// families returns everything that is counted, and what is watched.
func (s *Set) families() []family {
	events := family{"auth_events_total", "counter", "Events of the Manager and of features, by name and, where there are few, by reason.", nil}
	for _, c := range s.list {
		events.samples = append(events.samples, sample{"", []string{"event", c.event, "reason", c.reason}, float64(c.n.Load())})
	}
	hashes := family{"auth_hash_duration_seconds", "histogram", "How long passwords were hashed or verified, without the wait for a seat.", nil}
	for i, name := range operations {
		hashes.samples = append(hashes.samples, s.hashes[i].samples(&hashBounds, "operation", name)...)
	}
	return append(append([]family{events, hashes}, s.stores()...), s.gauges()...)
}

// stores returns what is counted of the store.
func (s *Set) stores() []family {
	calls := family{"auth_store_calls_total", "counter", "Calls of the store, by method and outcome; only error is a fault of the store.", nil}
	took := family{"auth_store_call_duration_seconds", "histogram", "How long calls of the store took.", nil}
	for m := range s.calls {
		c := &s.calls[m]
		for o, name := range outcomes {
			if n := c.outcomes[o].Load(); n > 0 || name == OK || name == Failed {
				calls.samples = append(calls.samples, sample{"", []string{"method", methodNames[m], "outcome", name}, float64(n)})
			}
		}
		took.samples = append(took.samples, c.took.samples(&callBounds, "method", methodNames[m])...)
	}
	return []family{calls, took}
}

// gauges returns what is watched.
func (s *Set) gauges() (list []family) {
	gauge := func(name, help string, n int) {
		list = append(list, family{name, "gauge", help, []sample{{value: float64(n)}}})
	}
	if load, ok := s.hashLoad(); ok {
		gauge("auth_hash_seats", "Seats for hashing passwords.", load.Seats)
		gauge("auth_hash_seats_used", "Seats that hash a password.", load.Used)
		gauge("auth_hash_waiting", "Passwords that wait for a seat.", load.Waiting)
	}
	if mails, room, ok := s.queued(); ok {
		gauge("auth_mail_queue_length", "Mails that wait to be sent, or to be tried again.", mails)
		gauge("auth_mail_queue_capacity", "Mails for which the queue has room.", room)
	}
	return list
}

// contentType is that of version 0.0.4 of the text format of Prometheus:
// https://prometheus.io/docs/instrumenting/exposition_formats/
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// ServeHTTP shows all metrics in the text format of Prometheus. Let nobody else see them: see the comment of the package.
func (s *Set) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	var b bytes.Buffer
	for _, f := range s.families() {
		f.write(&b)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Write(b.Bytes())
}

var (
	escapeHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	escapeLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// write writes f in the text format.
func (f *family) write(b *bytes.Buffer) {
	b.WriteString("# HELP " + f.name + " " + escapeHelp.Replace(f.help) + "\n# TYPE " + f.name + " " + f.kind + "\n")
	for _, s := range f.samples {
		b.WriteString(f.name + s.suffix)
		for i := 0; i < len(s.labels); i += 2 {
			b.WriteString(string("{,"[min(i, 1)]) + s.labels[i] + `="` + escapeLabel.Replace(s.labels[i+1]) + `"`)
		}
		if len(s.labels) > 0 {
			b.WriteByte('}')
		}
		b.WriteString(" " + number(s.value) + "\n")
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// String returns all metrics as JSON, which makes a Set an expvar.Var: expvar.Publish("auth", set). Each metric is an object
// with the values of the labels as keys, or one number if it has no labels. Of histograms there are number and sum.
func (s *Set) String() string {
	all := map[string]any{}
	for _, f := range s.families() {
		for _, s := range f.samples {
			switch {
			case s.suffix == "_bucket":
			case len(s.labels) == 0:
				all[f.name] = s.value
			default:
				group, _ := all[f.name+s.suffix].(map[string]float64)
				if group == nil {
					group = map[string]float64{}
					all[f.name+s.suffix] = group
				}
				group[s.key()] = s.value
			}
		}
	}
	b, err := json.Marshal(all)
	if err != nil { // a number that JSON has not: there is none
		return "{}"
	}
	return string(b)
}

// key returns the values of the labels, with spaces between them.
func (s *sample) key() string {
	var values []string
	for i := 1; i < len(s.labels); i += 2 {
		if s.labels[i] != "" {
			values = append(values, s.labels[i])
		}
	}
	return strings.Join(values, " ")
}
