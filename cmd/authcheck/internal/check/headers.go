package check

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
)

var headerChecks = []Check{
	{ID: "header-cache", ASVS: "14.3.2", Title: "Private pages are kept in no cache",
		Why: "The Back button would show them after logging out, and a shared cache would show them to others.",
		Fix: "Send Cache-Control: no-store with every page for those who are logged in.", run: headerCache},
	{ID: "header-frame", ASVS: "3.4.6", Title: "Pages cannot be put into a frame of another site",
		Why: "Users would click through a page that they do not see.",
		Fix: "Send Content-Security-Policy: frame-ancestors 'none', or X-Frame-Options: DENY.", run: eachPage(frame)},
	{ID: "header-nosniff", ASVS: "3.4.4", Title: "Browsers do not guess what a file is",
		Why: "A file that somebody uploads could run as a script.",
		Fix: "Send X-Content-Type-Options: nosniff with everything.", run: eachPage(nosniff)},
	{ID: "header-referrer", ASVS: "3.4.5", Title: "The page of a mailed link tells nobody its address",
		Why: "The address has the secret of the link in it, and would reach every site that the page loads something from.",
		Fix: "Send Referrer-Policy: no-referrer, or same-origin, with pages that mailed links lead to.", run: headerReferrer},
	{ID: "header-csp", ASVS: "3.4.3", Title: "The login page says which scripts may run",
		Why: "It is the second line where something that a visitor typed gets into a page.",
		Fix: "Send a Content-Security-Policy without 'unsafe-inline' for scripts and without *.", run: headerCSP},
	{ID: "header-hsts", ASVS: "3.4.1", Title: "Browsers never come without TLS again",
		Why: "The first request by http can be answered by whoever is in the network.",
		Fix: "Send Strict-Transport-Security: max-age=31536000 or more.", run: overTLS(headerHSTS)},
}

// loginAndPrivate returns the two pages that every application has.
func (t *target) loginAndPrivate() ([]*browser.Answer, error) {
	login, err := t.visitor().Get(t.ctx, t.cfg.Login.Path)
	if err != nil {
		return nil, err
	}
	b, err := t.mainVisitor()
	if err != nil {
		return nil, err
	}
	private, err := b.Get(t.ctx, t.cfg.Private.Path)
	return []*browser.Answer{login, private}, err
}

func eachPage(fault func(http.Header) string) func(*target) ([]string, error) {
	return func(t *target) (seen []string, err error) {
		pages, err := t.loginAndPrivate()
		if err != nil {
			return nil, err
		}
		for _, a := range pages {
			if f := fault(a.Header); f != "" {
				seen = append(seen, see(a)+" "+f)
			}
		}
		return seen, nil
	}
}

func frame(h http.Header) string {
	x := strings.ToUpper(strings.TrimSpace(h.Get("X-Frame-Options")))
	ancestors, ok := directives(h)["frame-ancestors"]
	if ok && !strings.Contains(ancestors, "*") && !strings.Contains(ancestors, "http:") || x == "DENY" || x == "SAMEORIGIN" {
		return ""
	}
	return "has neither X-Frame-Options nor a Content-Security-Policy with frame-ancestors"
}

func nosniff(h http.Header) string {
	if !strings.EqualFold(strings.TrimSpace(h.Get("X-Content-Type-Options")), "nosniff") {
		return "has no X-Content-Type-Options: nosniff"
	}
	return ""
}

func headerCache(t *target) (seen []string, err error) {
	b, err := t.mainVisitor()
	if err != nil {
		return nil, err
	}
	looked := map[string]bool{"": true}
	for _, path := range []string{t.cfg.Private.Path, t.cfg.Password.Path, t.cfg.Sessions.Path} {
		if looked[path] {
			continue
		}
		looked[path] = true
		a, err := b.Send(t.ctx, &browser.Request{Target: path})
		if err != nil {
			return nil, err
		}
		if a.Status == http.StatusOK && !strings.Contains(strings.ToLower(strings.Join(a.Header.Values("Cache-Control"), ",")), "no-store") {
			seen = append(seen, see(a)+" has no Cache-Control: no-store")
		}
	}
	return seen, nil
}

func headerReferrer(t *target) ([]string, error) {
	if err := t.mailed(); err != nil {
		return nil, err
	}
	a, err := t.account("main")
	if err != nil {
		return nil, err
	}
	link, err := t.askReset(a)
	if err != nil {
		return nil, err
	}
	b := t.visitor()
	first, err := b.Send(t.ctx, &browser.Request{Target: link})
	if err != nil {
		return nil, err
	}
	answers := []*browser.Answer{first}
	last, err := b.Follow(t.ctx, first)
	if err != nil {
		return nil, err
	}
	if last != first && strings.Contains(last.URL.RawQuery+last.URL.Path, secretOf(link)) {
		answers = append(answers, last)
	}
	var seen []string
	for _, a := range answers {
		if policy, ok := referrer(a); !ok {
			seen = append(seen, fmt.Sprintf("the page of the mailed link (%d) has Referrer-Policy %q", a.Status, policy))
		}
	}
	return seen, nil
}

// referrer returns the policy of a page, and whether it keeps the address from other sites. The last one that is known counts.
func referrer(a *browser.Answer) (policy string, ok bool) {
	policy = strings.Join(a.Header.Values("Referrer-Policy"), ",")
	if meta := browser.ReadPage(a).Meta["referrer"]; meta != "" {
		policy = meta
	}
	last := strings.ToLower(strings.TrimSpace(policy[strings.LastIndex(policy, ",")+1:]))
	switch last {
	case "no-referrer", "same-origin", "strict-origin", "origin", "strict-origin-when-cross-origin", "origin-when-cross-origin":
		return policy, true
	}
	return policy, false
}

// directives returns the Content-Security-Policy, taking several for one.
func directives(h http.Header) map[string]string {
	all := map[string]string{}
	for policy := range strings.SplitSeq(strings.Join(h.Values("Content-Security-Policy"), ";"), ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(policy), " ")
		if name != "" {
			all[strings.ToLower(name)] = strings.ToLower(strings.TrimSpace(value))
		}
	}
	return all
}

func headerCSP(t *target) ([]string, error) {
	a, err := t.visitor().Get(t.ctx, t.cfg.Login.Path)
	if err != nil {
		return nil, err
	}
	if fault := scripts(directives(a.Header)); fault != "" {
		return []string{see(a) + " " + fault}, nil
	}
	return nil, nil
}

// scripts says why a policy lets any script run, or "".
func scripts(policy map[string]string) string {
	sources, ok := policy["script-src"]
	if !ok {
		sources, ok = policy["default-src"]
	}
	nonce := strings.Contains(sources, "'nonce-") || strings.Contains(sources, "'sha256-") || strings.Contains(sources, "'sha384-") ||
		strings.Contains(sources, "'sha512-") || strings.Contains(sources, "'strict-dynamic'")
	switch fields := " " + sources + " "; {
	case len(policy) == 0:
		return "has no Content-Security-Policy"
	case !ok:
		return "has a Content-Security-Policy with neither script-src nor default-src"
	case strings.Contains(fields, " 'unsafe-inline' ") && !nonce:
		return "has a Content-Security-Policy that allows 'unsafe-inline' scripts"
	case !nonce && (strings.Contains(fields, " * ") || strings.Contains(fields, " http: ") || strings.Contains(fields, " https: ") || strings.Contains(fields, " data: ")):
		return "has a Content-Security-Policy that allows scripts from anywhere"
	}
	return ""
}

var maxAge = regexp.MustCompile(`(?i)max-age\s*=\s*"?(\d+)`)

func headerHSTS(t *target) ([]string, error) {
	a, err := t.visitor().Get(t.ctx, t.cfg.Login.Path)
	if err != nil {
		return nil, err
	}
	const year = 31536000
	if m := maxAge.FindStringSubmatch(a.Header.Get("Strict-Transport-Security")); m != nil {
		if seconds, err := strconv.Atoi(m[1]); err == nil && seconds >= year {
			return nil, nil
		}
	}
	return []string{see(a) + " has no Strict-Transport-Security with a max-age of a year"}, nil
}
