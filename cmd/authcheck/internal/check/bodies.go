package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
)

var bodyChecks = []Check{
	{ID: "body-limit", ASVS: "2.4.1", Title: "A form that is far too large is refused early",
		Why: "Anyone could fill the memory or the line with a form that no user fills in.",
		Fix: "Limit the body of a form, to 64 KiB for example, before anything reads it.", run: bodyLimit},
	{ID: "body-duplicate", ASVS: "15.3.7", Title: "A form with two values for the user or the password is refused",
		Why: "What counts attempts may read the one value, and what checks the password the other.",
		Fix: "Take a credential only if it is there exactly once.", run: bodyDuplicate},
	{ID: "body-query", ASVS: "14.2.1", Title: "A POST with its credentials in the query does not log in",
		Why: "Queries are in logs.",
		Fix: "Read credentials from the body only.", run: bodyQuery},
	{ID: "body-garbage", ASVS: "16.5.1", Title: "Bodies that make no sense are refused in an orderly way",
		Why: "An answer 500 with a trace tells how the application is built, and is a place to look for more.",
		Fix: "Answer by 4xx what cannot be read: broken percent signs, NUL, what is no UTF-8, other types of content.", run: bodyGarbage},
}

// How much a form is said to have, and how much of it is sent at most.
const (
	saidLength = 64 << 20
	mostSent   = 16 << 20
)

// flood is a body that is sent slowly enough for the answer to be heard before it has all gone into buffers.
type flood struct {
	prefix *strings.Reader
	sent   atomic.Int64
}

var errFlooded = errors.New("sent as much as is to be sent")

func (f *flood) Read(p []byte) (int, error) {
	if n, err := f.prefix.Read(p); err == nil {
		return n, nil
	}
	if f.sent.Load() >= mostSent {
		return 0, errFlooded
	}
	time.Sleep(time.Millisecond)
	for i := range p {
		p[i] = 'a'
	}
	f.sent.Add(int64(len(p)))
	return len(p), nil
}

func bodyLimit(t *target) (seen []string, err error) {
	for _, said := range []int64{saidLength, -1} {
		b, f, err := t.credentials()
		if err != nil {
			return nil, err
		}
		body := &flood{prefix: strings.NewReader(f.Values.Encode() + "&filler=")}
		a, err := b.Send(t.ctx, &browser.Request{Method: "POST", Target: f.Action, Body: body, Length: said})
		switch {
		case errors.Is(err, errFlooded) || body.sent.Load() >= mostSent:
			seen = append(seen, fmt.Sprintf("POST %s took %d MiB of a form without a word%s", f.Action, mostSent>>20, declared(said)))
		case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, browser.ErrSpent):
			return nil, err
		case err == nil && a.Status < 400:
			seen = append(seen, see(a)+" for a form that has no end"+declared(said))
		}
	}
	return seen, nil
}

func declared(said int64) string {
	if said < 0 {
		return ", its length not declared"
	}
	return ", its length declared"
}

func bodyDuplicate(t *target) (seen []string, err error) {
	if _, err := t.mainVisitor(); err != nil {
		return nil, err
	}
	other, err := t.account("other")
	if err != nil {
		return nil, err
	}
	l := t.cfg.Login
	for _, d := range []struct {
		how    string
		values func(url.Values)
	}{
		{"two users, the one with that password first", func(v url.Values) { v[l.User] = append(v[l.User], other.user) }},
		{"two users, the one with that password last", func(v url.Values) { v[l.User] = append([]string{other.user}, v[l.User]...) }},
		{"two passwords, the right one first", func(v url.Values) { v[l.Password] = append(v[l.Password], wrongPassword()) }},
		{"two passwords, the right one last", func(v url.Values) { v[l.Password] = append([]string{wrongPassword()}, v[l.Password]...) }},
	} {
		b, f, err := t.credentials()
		if err != nil {
			return nil, err
		}
		d.values(f.Values)
		found, err := t.mustNotEnter(b, f.request(), "with "+d.how)
		if err != nil {
			return nil, err
		}
		seen = append(seen, found...)
	}
	return seen, nil
}

func bodyQuery(t *target) ([]string, error) {
	if _, err := t.mainVisitor(); err != nil {
		return nil, err
	}
	b, f, err := t.credentials()
	if err != nil {
		return nil, err
	}
	query, body := url.Values{}, f.Clone().Values
	for _, name := range []string{t.cfg.Login.User, t.cfg.Login.Password} {
		query.Set(name, body.Get(name))
		body.Del(name)
	}
	q := f.request()
	q.Target, q.Form = withQuery(f.Action, query), body
	return t.mustNotEnter(b, q, "with the credentials in the query")
}

// garbage are bodies that no browser sends. {u} and {p} are the names of the fields, {t} is what else is in the form.
var garbage = []struct{ how, kind, body string }{
	{"a broken percent sign", "", "{t}&{u}=%zz&{p}=%"},
	{"NUL", "", "{t}&{u}=a%00b@example.com&{p}=a%00b"},
	{"no UTF-8", "", "{t}&{u}=%ff%fe@example.com&{p}=%c0%80%ed%a0%80"},
	{"raw bytes", "", "{t}&{u}=\xff\x00\x80&{p}=\x00\xff"},
	{"nothing", "", ""},
	{"names with brackets", "", "{t}&{u}[]=a&{u}[a][b]=c&{p}[$ne]=x"},
	{"semicolons", "", "{u}=a;{p}=b;;&&==&=;"},
	{"very long values", "", "{t}&{u}={long}&{p}={long}"},
	{"control characters", "", "{t}&{u}=a%0d%0ab%1b%7f@example.com&{p}=%0a"},
	{"JSON in the place of a form", "application/json", `{"{u}":{"$gt":""},"{p}":["a"]}`},
	{"broken JSON", "application/json", `{"{u}":`},
	{"a form in parts that ends too early", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"{u}\"\r\n\r\na"},
	{"parts without a boundary", "multipart/form-data", "--x\r\n\r\n"},
	{"an unknown type", "application/x-unheard-of; charset=utf-99", "{u}=a&{p}=b"},
	{"a type that is none", ";;;/", "{u}=a&{p}=b"},
	{"XML", "text/xml", "<?xml version=\"1.0\"?><a>"},
}

func bodyGarbage(t *target) (seen []string, err error) {
	for _, g := range garbage {
		b, f, err := t.credentials()
		if err != nil {
			return nil, err
		}
		f.Values.Del(t.cfg.Login.User)
		f.Values.Del(t.cfg.Login.Password)
		q := f.request()
		q.Form, q.Type, q.Raw = nil, g.kind, strings.NewReplacer("{u}", t.cfg.Login.User, "{p}", t.cfg.Login.Password,
			"{t}", f.Values.Encode(), "{long}", strings.Repeat("a", 5000)).Replace(g.body)
		if q.Type == "" {
			q.Type = "application/x-www-form-urlencoded"
		}
		answer, err := b.Send(t.ctx, q)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			seen = append(seen, fmt.Sprintf("POST %s with %s: the connection is closed without an answer", f.Action, g.how))
			continue
		}
		if err != nil {
			return nil, err
		}
		if fault := disorderly(answer); fault != "" {
			seen = append(seen, fmt.Sprintf("%s, with %s, %s", see(answer), g.how, fault))
		}
	}
	return seen, nil
}

// disorderly says what is wrong with the answer to a request that makes no sense, or "". 503 is what some say who are too busy.
func disorderly(a *browser.Answer) string {
	if trace := traceIn(a); trace != "" {
		return "shows a trace (" + trace + ")"
	}
	if a.Status >= 500 && a.Status != http.StatusNotImplemented && a.Status != http.StatusServiceUnavailable {
		return "is a failure of the server"
	}
	return ""
}
