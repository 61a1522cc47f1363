package check

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
)

var methodChecks = []Check{
	{ID: "login-get", ASVS: "14.2.1", Title: "Credentials in an address do not log in",
		Why: "Addresses are in histories, in logs, and in what browsers tell other sites.",
		Fix: "Log in by POST only.", run: loginGet},
	{ID: "method-unsafe", ASVS: "3.5.3", Title: "Other methods than POST do nothing",
		Why: "Checks against forged requests mostly look at POST only, and caches and browsers repeat the others.",
		Fix: "Answer methods that a page does not have by 405, TRACE among them, and turn overriding of methods off for GET.", run: methodUnsafe},
}

// credentials returns the filled-in form to log in, for a visitor who has opened it.
func (t *target) credentials() (*browser.Browser, *fill, error) {
	a, err := t.account("main")
	if err != nil {
		return nil, nil, err
	}
	b := t.visitor()
	f, err := t.loginForm(b, t.cfg.Login.Path, a.user, a.password)
	return b, f, err
}

func withQuery(target string, query url.Values) string {
	path, _, _ := strings.Cut(target, "?")
	return path + "?" + query.Encode()
}

func loginGet(t *target) ([]string, error) {
	if _, err := t.mainVisitor(); err != nil { // or it would be for another reason
		return nil, err
	}
	b, f, err := t.credentials()
	if err != nil {
		return nil, err
	}
	return t.mustNotEnter(b, &browser.Request{Target: withQuery(f.Action, f.Values)}, "with the credentials in the query")
}

// mustNotEnter sends a request that must not log in.
func (t *target) mustNotEnter(b *browser.Browser, q *browser.Request, how string) ([]string, error) {
	answer, err := t.send(b, q)
	if err != nil {
		return nil, err
	}
	in, err := t.in(b)
	if err != nil || !in {
		return nil, err
	}
	return []string{fmt.Sprintf("%s, %s, logs in", see(answer), how)}, nil
}

func methodUnsafe(t *target) ([]string, error) {
	if _, err := t.mainVisitor(); err != nil {
		return nil, err
	}
	var seen []string
	for _, part := range []func() ([]string, error){t.loginByMethods, t.logoutByMethods, t.trace} {
		found, err := part()
		if err != nil && !isNotHere(err) {
			return nil, err
		}
		seen = append(seen, found...)
	}
	return seen, nil
}

// override are the ways to say another method than the request has.
var override = http.Header{"X-Http-Method-Override": {"POST"}, "X-Http-Method": {"POST"}, "X-Method-Override": {"POST"}}

func (t *target) loginByMethods() (seen []string, err error) {
	for _, method := range []string{"HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "GET"} {
		b, f, err := t.credentials()
		if err != nil {
			return nil, err
		}
		q, how := &browser.Request{Method: method, Target: f.Action, Form: f.Values}, "with the form as its body"
		switch method {
		case "TRACE": // has no body
			q.Form, q.Target = nil, withQuery(f.Action, f.Values)
		case "HEAD", "GET":
			values := f.Clone().Values
			values.Set("_method", "POST")
			q.Target, q.Header, how = withQuery(f.Action, values), override, "with the form in its query and as its body, and the method overridden"
		}
		found, err := t.mustNotEnter(b, q, how)
		if err != nil {
			return nil, err
		}
		seen = append(seen, found...)
	}
	return seen, nil
}

func (t *target) logoutByMethods() (seen []string, err error) {
	if t.cfg.Logout.Path == "" {
		return nil, nil
	}
	b, err := t.mainVisitor()
	if err != nil {
		return nil, err
	}
	for _, method := range []string{"HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "GET"} {
		q := &browser.Request{Method: method, Target: t.cfg.Logout.Path}
		if method == "GET" {
			if t.cfg.Logout.Method == http.MethodGet {
				continue // this is what logout-get is about
			}
			q.Target, q.Header = withQuery(q.Target, url.Values{"_method": {"POST"}}), override
		}
		answer, err := t.send(b, q)
		if err != nil {
			return nil, err
		}
		in, err := t.in(b)
		if err != nil {
			return nil, err
		}
		if !in {
			seen = append(seen, see(answer)+" logs out")
			if b, err = t.mainVisitor(); err != nil {
				return nil, err
			}
		}
	}
	return seen, nil
}

// trace looks for a server that sends back what it got, cookies included.
func (t *target) trace() ([]string, error) {
	b := t.visitor()
	b.SetCookie("authcheck", "sent-back-to-me")
	a, err := b.Send(t.ctx, &browser.Request{Method: "TRACE", Target: t.cfg.Login.Path})
	if err != nil {
		return nil, err
	}
	if a.Status == http.StatusOK && strings.Contains(a.Body, "sent-back-to-me") {
		return []string{see(a) + " sends the cookies of the request back"}, nil
	}
	return nil, nil
}
