package metrics_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vestibule-go/auth/metrics"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// shown is what a Set shows.
type shown struct {
	names  map[string]bool // of metrics, those of the parts of histograms included
	series string          // a line for each
}

func whatIsShown(t *testing.T) *shown {
	t.Helper()
	set, s := metrics.New(), &shown{names: map[string]bool{}}
	app(t, set)
	for series := range scrape(t, set) {
		name, _, _ := strings.Cut(series, "{")
		s.names[name] = true
		s.names[strings.TrimSuffix(name, "_count")] = true // a histogram as a whole
		s.series += series + "\n"
	}
	for _, outcome := range []string{metrics.NotFound, metrics.Conflict, metrics.Exists, metrics.Unsupported, metrics.Canceled} {
		s.series += fmt.Sprintf("outcome=%q\n", outcome) // these are shown when they have come about
	}
	return s
}

var (
	metricName = regexp.MustCompile(`\bauth_[a-z_]+\b`)
	matcher    = regexp.MustCompile(`(event|reason|method|outcome|operation)(=~|!~|!=|=)"([^"]*)"`)
)

// has checks that the metrics in a text are there, with the labels that are asked for.
func (s *shown) has(t *testing.T, where, text string) {
	t.Helper()
	for _, name := range metricName.FindAllString(text, -1) {
		if !s.names[name] {
			t.Errorf("%s: nothing shows %s", where, name)
		}
	}
	for _, m := range matcher.FindAllStringSubmatch(text, -1) {
		for _, value := range strings.Split(m[3], "|") {
			if !strings.Contains(s.series, fmt.Sprintf(`%s=%q`, m[1], value)) {
				t.Errorf("%s: no series has %s=%q", where, m[1], value)
			}
		}
	}
}

// panel is what the dashboard has of one.
type panel struct {
	ID                 int
	Title, Description string
	Type               string
	GridPos            struct{ H, W, X, Y int }
	Datasource         struct{ UID string }
	Targets            []struct {
		Expr, RefID string
		Datasource  struct{ UID string }
	}
}

func dashboard(t *testing.T) (panels []panel) {
	t.Helper()
	var d struct {
		Inputs        []struct{ Name, Type, PluginID string } `json:"__inputs"`
		SchemaVersion int
		UID, Title    string
		ID            *int
		Panels        []panel
	}
	if err := json.Unmarshal([]byte(read(t, "dashboard.json")), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Inputs) != 1 || d.Inputs[0].Name != "DS_PROMETHEUS" || d.Inputs[0].PluginID != "prometheus" || d.SchemaVersion < 36 || d.UID == "" || d.Title == "" || d.ID != nil {
		t.Errorf("not to be imported: %+v", d)
	}
	return d.Panels
}

func TestDashboard(t *testing.T) {
	panels, ids, shown := dashboard(t), map[int]bool{}, whatIsShown(t)
	for i, p := range panels {
		if p.ID == 0 || ids[p.ID] || p.Title == "" || p.Description == "" || p.Datasource.UID != "${DS_PROMETHEUS}" || len(p.Targets) == 0 {
			t.Errorf("panel %q lacks something, or has the ID of another", p.Title)
		}
		ids[p.ID] = true
		for _, q := range panels[:i] {
			a, b := p.GridPos, q.GridPos
			if a.W == 0 || a.X+a.W > 24 || a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("panel %q does not fit, or lies on %q", p.Title, q.Title)
			}
		}
		for _, target := range p.Targets {
			if target.RefID == "" || target.Datasource.UID != "${DS_PROMETHEUS}" || !strings.Contains(target.Expr, `job=~"$job"`) {
				t.Errorf("panel %q asks %+v", p.Title, target)
			}
			shown.has(t, p.Title, target.Expr)
		}
	}
	if len(panels) < 12 {
		t.Errorf("%d panels", len(panels))
	}
}

// anchors returns by which names one can link to the headings of the guide.
func anchors(t *testing.T) (names []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(read(t, "../docs/metrics.md"), -1) {
		name := regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// Every alert says what is up and what to do, is tested both ways, and has its part of the guide.
func TestAlerts(t *testing.T) {
	text, tests, links := read(t, "alerts.yaml"), read(t, "alerts_test.yaml"), anchors(t)
	whatIsShown(t).has(t, "alerts.yaml", text)
	alerts := strings.Split(text, "- alert: ")[1:]
	for _, alert := range alerts {
		name, _, _ := strings.Cut(alert, "\n")
		for _, field := range []string{"expr: ", "severity: ", "summary: ", "action: ", "runbook_url: https://github.com/vestibule-go/auth/blob/main/docs/metrics.md#" + strings.ToLower(name) + "\n"} {
			if !strings.Contains(alert, field) {
				t.Errorf("%s has no %s", name, field)
			}
		}
		if !slices.Contains(links, strings.ToLower(name)) {
			t.Errorf("%s: the guide has no such heading", name)
		}
		fires, silent := 0, 0
		for _, test := range strings.Split(tests, "  - name: ")[1:] {
			switch {
			case !strings.Contains(test, "alertname: "+name+"\n"):
			case strings.Contains(test, "exp_alerts: []"):
				silent++
			default:
				fires++
			}
		}
		if fires == 0 || silent == 0 {
			t.Errorf("%s: %d tests in which it fires, %d in which it does not", name, fires, silent)
		}
	}
	if len(alerts) < 10 {
		t.Errorf("%d alerts", len(alerts))
	}
}

// Prometheus itself reads the alerts, and the questions of the dashboard.
func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	switch {
	case errors.Is(err, exec.ErrNotFound) && os.Getenv("AUTH_TEST_REQUIRE_ALL") != "1":
		t.Skip("promtool is not installed, which comes with Prometheus: nothing reads the rules")
	case err != nil:
		t.Fatal(err)
	}
	questions := "groups:\n- name: dashboard\n  rules:\n"
	variables := strings.NewReplacer("$__rate_interval", "5m", "$__range", "6h", "$job", ".*")
	for _, p := range dashboard(t) {
		for _, target := range p.Targets {
			questions += fmt.Sprintf("  - {record: panel%d_%s, expr: %q}\n", p.ID, target.RefID, variables.Replace(target.Expr))
		}
	}
	file := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(file, []byte(questions), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", "rules", "alerts.yaml", file}, {"test", "rules", "alerts_test.yaml"}} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %q: %v\n%s", args, err, out)
		}
	}
	cmd := exec.Command(promtool, "check", "metrics")
	set := metrics.New()
	app(t, set)
	cmd.Stdin = strings.NewReader(exposition(set))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// The table of the guide has every metric, with its type and labels, every event, and no others.
func TestGuide(t *testing.T) {
	guide, set := read(t, "../docs/metrics.md"), metrics.New()
	app(t, set)
	text := exposition(set)
	seen := 0
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(text, -1) {
		seen++
		row := regexp.MustCompile("(?m)^\\| `"+m[1]+"` \\| "+m[2]+" \\| ").FindAllString(guide, -1)
		if len(row) != 1 {
			t.Errorf("%s, a %s, has %d rows", m[1], m[2], len(row))
		}
	}
	if rows := regexp.MustCompile("(?m)^\\| `auth_").FindAllString(guide, -1); len(rows) != seen {
		t.Errorf("%d rows for %d metrics", len(rows), seen)
	}
	reasons := map[string][]string{}
	var events []string
	for _, m := range regexp.MustCompile(`(?m)^auth_events_total\{event="(.*)",reason="(.*)"\}`).FindAllStringSubmatch(text, -1) {
		if reasons[m[1]] == nil {
			events = append(events, m[1])
		}
		reasons[m[1]] = append(reasons[m[1]], m[2])
	}
	for _, event := range events {
		row := fmt.Sprintf("| `%s` | %s |\n", event, strings.Join(reasons[event], ", "))
		if !strings.Contains(guide, row) {
			t.Errorf("the guide lacks this row:\n%s", row)
		}
	}
	whatIsShown(t).has(t, "docs/metrics.md", strings.Join(regexp.MustCompile("`auth_[a-z_]+").FindAllString(guide, -1), " "))
}
