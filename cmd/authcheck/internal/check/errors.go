package check

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
)

var errorChecks = []Check{
	{ID: "error-detail", ASVS: "16.5.1", Title: "Errors tell nothing of how the application is built",
		Why: "Traces, paths and versions tell an attacker where to go on.",
		Fix: "Turn debugging off, show one page for all errors, and leave versions out of Server and X-Powered-By.", run: errorDetail},
	{ID: "error-debug", ASVS: "13.4.2", Title: "There are no pages for debugging",
		Why: "Some of them run what one types, others show secrets.",
		Fix: "Turn them off wherever others can reach the application.", run: errorDebug},
}

// traces are what shows up in the error pages of languages and frameworks, and in no other page.
var traces = []*regexp.Regexp{
	regexp.MustCompile(`Traceback \(most recent call last\)`),
	regexp.MustCompile(`goroutine \d+ \[`),
	regexp.MustCompile(`\w+\.go:\d+`),
	regexp.MustCompile(`File "[^"]+\.py", line \d+`),
	regexp.MustCompile(`at [\w.$]+\([\w]+\.(java|kt|scala):\d+\)`),
	regexp.MustCompile(`\.rb:\d+:in `),
	regexp.MustCompile(`\.php(\(\d+\)| on line \d+|:\d+)`),
	regexp.MustCompile(`at .+ \(?(file://)?/[^\s]+\.[cm]?[jt]s:\d+:\d+\)?`),
	regexp.MustCompile(`at [\w.]+\(.*\) in .+\.cs:line \d+`),
	regexp.MustCompile(`SQLSTATE\[?|sqlite3\.OperationalError|psycopg2?\.|PG::\w+Error|ORA-\d{5}|You have an error in your SQL syntax`),
	regexp.MustCompile(`Werkzeug Debugger|DEBUG = True|Whoops\\|Action Controller: Exception caught`),
}

// traceIn returns the kind of trace that is in an answer, or "".
func traceIn(a *browser.Answer) string {
	for _, r := range traces {
		if found := r.FindString(a.Body); found != "" {
			return cut(strings.TrimSpace(found), 60)
		}
	}
	return ""
}

var version = regexp.MustCompile(`\d+\.\d+`)

// oddRequests are requests that nobody makes by accident. {login} is the path of the login page.
var oddRequests = []struct {
	method, target string
}{
	{"GET", "/authcheck-is-not-here"},
	{"GET", "/authcheck-is-not-here.php?a[]=1&a=2&%zz=%"},
	{"DELETE", "{login}"},
	{"AUTHCHECK", "{login}"},
	{"GET", "{login}?next=%00&next[]=1&%ff=%ff"},
	{"GET", "/%00"},
	{"GET", "/%ff%fe"},
	{"GET", "/..%2f..%2fetc/passwd"},
	{"GET", "{login}/%2e%2e/%2e%2e"},
	{"GET", "//" + evil + "/%2f.."},
	{"GET", "/" + strings.Repeat("a", 6000)},
}

func errorDetail(t *target) ([]string, error) {
	var seen []string
	note := func(a *browser.Answer) {
		if fault := disorderly(a); fault != "" {
			seen = append(seen, cut(see(a), 80)+" "+fault)
		}
	}
	for _, o := range oddRequests {
		a, err := t.visitor().Send(t.ctx, &browser.Request{Method: o.method, Target: strings.ReplaceAll(o.target, "{login}", t.cfg.Login.Path)})
		if err != nil {
			return nil, err
		}
		note(a)
	}
	odd, err := t.oddCookies()
	if err != nil {
		return nil, err
	}
	for _, a := range odd {
		note(a)
	}
	versions, err := t.versions()
	return append(seen, versions...), err
}

// oddValues are cookies that no server has set.
var oddValues = []string{"", "a", "null", "%00", "\xff\xfe", "../../etc/passwd", "' OR 1=1 --", "eyJhIjoxfQ.e30.x", "gASVAAAAAAAAAA==", strings.Repeat("A", 3000)}

func (t *target) oddCookies() (answers []*browser.Answer, err error) {
	names, err := t.sessionCookies()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		for _, value := range oddValues {
			b := t.visitor()
			b.SetCookie(name, value)
			a, err := b.Send(t.ctx, &browser.Request{Target: t.cfg.Private.Path})
			if err != nil {
				return nil, err
			}
			answers = append(answers, a)
		}
	}
	return answers, nil
}

func (t *target) versions() (seen []string, err error) {
	a, err := t.visitor().Get(t.ctx, t.cfg.Login.Path)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"Server", "X-Powered-By", "X-Aspnet-Version", "X-Aspnetmvc-Version", "X-Generator"} {
		if value := a.Header.Get(name); version.MatchString(value) {
			seen = append(seen, fmt.Sprintf("%s: header %s is %q", see(a), name, cut(value, 60)))
		}
	}
	return seen, nil
}

// debugPages are few, and each has something in it that no other page has.
var debugPages = []struct{ path, marker, what string }{
	{"/console", "Interactive Console", "the console of Werkzeug"},
	{"/?__debugger__=yes&cmd=resource&f=debugger.js", "__debugger__", "the debugger of Werkzeug"},
	{"/_profiler", "Symfony Profiler", "the profiler of Symfony"},
	{"/debug/pprof/", "Types of profiles available", "pprof of Go"},
	{"/debug/vars", `"memstats"`, "expvar of Go"},
	{"/rails/info/routes", "Helper", "the routes of Rails"},
	{"/telescope/requests", "Telescope", "Telescope of Laravel"},
	{"/_ignition/health-check", "can_execute_commands", "Ignition of Laravel"},
	{"/__debug__/", "djdt", "the toolbar of Django"},
	{"/actuator/env", "propertySources", "the actuator of Spring"},
	{"/phpinfo.php", "phpinfo()", "phpinfo"},
	{"/.env", "=", "a file of secrets"},
	{"/.git/HEAD", "ref: refs/", "the repository"},
}

func errorDebug(t *target) (seen []string, err error) {
	for _, d := range debugPages {
		a, err := t.visitor().Send(t.ctx, &browser.Request{Target: d.path})
		if err != nil {
			return nil, err
		}
		html := strings.Contains(strings.ToLower(cut(a.Body, 300)), "<!doctype") || strings.Contains(a.Header.Get("Content-Type"), "text/html")
		if a.Status == http.StatusOK && strings.Contains(a.Body, d.marker) && (d.path != "/.env" || !html) {
			seen = append(seen, fmt.Sprintf("%s: %s", see(a), d.what))
		}
	}
	return seen, nil
}
