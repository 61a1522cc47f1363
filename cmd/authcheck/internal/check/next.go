package check

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
)

var nextChecks = []Check{
	{ID: "next-foreign", ASVS: "3.7.2", Title: "Logging in leads to no other site",
		Why: "A link to your own login page would end on the attacker's copy of it, which asks for the password once more.",
		Fix: "Follow only what begins with one slash and has no backslash or control character, read as browsers read it; or keep a list of targets.", run: nextForeign},
	{ID: "next-local", ASVS: "3.7.2", Title: "Logging in leads to the page that was wanted",
		Why: "If it does not, people build their own way of it. It also proves that next-foreign has looked at something.",
		Fix: "Go on to the target after the login if it is on your own site; or set next.param to what the parameter is called.", run: nextLocal},
}

const evil = "attacker.invalid"

// foreignTargets lead to another site in some browser, or run a script.
var foreignTargets = []string{
	"https://" + evil + "/", "http://" + evil, "//" + evil, "///" + evil, "////" + evil, "/\\" + evil, "\\/" + evil, "\\\\" + evil,
	"/\\/" + evil, "https:" + evil, "https:/" + evil, "http:///" + evil, "HTTPS://" + evil, "/\t/" + evil, "\t//" + evil, "/\n/" + evil,
	" //" + evil, "\x01//" + evil, "//" + evil + "\\@{host}", "//{host}@" + evil, "//{host}." + evil, "https://{host}@" + evil,
	"/..//" + evil, "/.//" + evil, "%2f%2f" + evil, "/%09/" + evil, "javascript:alert(1)", "java\tscript:alert(1)", "data:text/html,x",
	"/ok\r\nLocation: //" + evil, "{base}." + evil, "{base}@" + evil, "{short}", "{base}\\." + evil,
	"/%2f" + evil, "/%2F" + evil, "/%5c" + evil, "/%5C" + evil, "/%252f" + evil, "%2F%2F" + evil, "%5C%5C" + evil, "https%3A%2F%2F" + evil,
}

func nextForeign(t *target) ([]string, error) {
	if t.cfg.Next.Param == "" {
		return nil, notHere("the login page has no parameter that says where to go on to (next.param)")
	}
	a, err := t.account("main")
	if err != nil {
		return nil, err
	}
	member, err := t.login(a)
	if err != nil {
		return nil, err
	}
	var seen []string
	for _, target := range foreignTargets {
		base := t.client.Base().String()
		target = strings.NewReplacer("{host}", t.client.Base().Hostname(), "{base}", base, "{short}", base[:len(base)-1]).Replace(target)
		for _, b := range []*browser.Browser{t.visitor(), member.Copy()} {
			answer, err := t.goOn(b, a, target)
			if errors.Is(err, browser.ErrUnreadable) {
				continue // no browser would follow it either
			}
			if err != nil {
				return nil, err
			}
			if where := t.leadsAway(answer); where != "" {
				seen = append(seen, fmt.Sprintf("%s with %s=%s → %d to %s", answer.Asked, t.cfg.Next.Param, url.QueryEscape(target), answer.Status, where))
				break
			}
		}
	}
	return seen, nil
}

// goOn opens the login page with a target, and logs in unless it sends the visitor on at once.
func (t *target) goOn(b *browser.Browser, a *account, to string) (*browser.Answer, error) {
	address := t.cfg.Login.Path + "?" + url.Values{t.cfg.Next.Param: {to}}.Encode()
	answer, err := b.Send(t.ctx, &browser.Request{Target: address})
	if err != nil {
		return nil, err
	}
	p := browser.ReadPage(answer)
	f := p.Form(t.cfg.Login.User, t.cfg.Login.Password)
	if f == nil || answer.Status >= 300 {
		return answer, nil
	}
	filled := &fill{f, t.tokenHeader(p)}
	filled.setAll(t.cfg.Login.Fields)
	filled.set(t.cfg.Login.User, a.user, t.cfg.Login.Password, a.password)
	return t.send(b, filled.request())
}

// leadsAway returns where an answer sends a browser, if that is another site, or "".
func (t *target) leadsAway(a *browser.Answer) string {
	locations := a.Header.Values("Location")
	refresh := browser.ReadPage(a).Meta["refresh"]
	if _, to, ok := strings.Cut(refresh, "="); ok {
		locations = append(locations, strings.Trim(to, ` '"`))
	}
	if to := a.Header.Get("Refresh"); to != "" {
		if _, to, ok := strings.Cut(to, "="); ok {
			locations = append(locations, to)
		}
	}
	for _, to := range locations {
		if away(t.client.Base(), to) {
			return cut(fmt.Sprintf("%q", to), 80)
		}
	}
	return ""
}

// away reports whether a browser would leave a site by following to. It reads it as the URL standard of WHATWG says: without tabs and
// line breaks, without what is not printed around it, and with \ as /.
func away(base *url.URL, to string) bool {
	to = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, to)
	to = strings.TrimFunc(to, func(r rune) bool { return r <= ' ' })
	to = strings.ReplaceAll(to, "\\", "/")
	scheme, rest, absolute := strings.Cut(to, ":")
	switch scheme = strings.ToLower(scheme); {
	case absolute && isScheme(scheme) && scheme != "http" && scheme != "https":
		return true
	case absolute && (scheme == "http" || scheme == "https"):
		if scheme == base.Scheme && !strings.HasPrefix(rest, "/") {
			return false // a path, by an old rule
		}
		return host(rest) != strings.ToLower(base.Host)
	case strings.HasPrefix(to, "//"):
		return host(to) != strings.ToLower(base.Host)
	}
	return false
}

func isScheme(s string) bool {
	return s != "" && s[0] >= 'a' && s[0] <= 'z' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

func host(rest string) string {
	rest = strings.TrimLeft(rest, "/")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return strings.ToLower(rest[strings.LastIndex(rest, "@")+1:])
}

func nextLocal(t *target) ([]string, error) {
	if t.cfg.Next.Param == "" {
		return nil, notHere("the login page has no parameter that says where to go on to (next.param)")
	}
	a, err := t.account("main")
	if err != nil {
		return nil, err
	}
	to := t.cfg.Private.Path + "?authcheck=1"
	answer, err := t.goOn(t.visitor(), a, to)
	if err != nil {
		return nil, err
	}
	u, err := answer.URL.Parse(answer.Header.Get("Location"))
	if err == nil && answer.Status >= 300 && answer.Status < 400 && u.RequestURI() == to && u.Host == t.client.Base().Host {
		return nil, nil
	}
	if answer.Status == http.StatusOK && answer.URL.RequestURI() == to {
		return nil, nil
	}
	return []string{fmt.Sprintf("%s with %s=%s → %s", answer.Asked, t.cfg.Next.Param, url.QueryEscape(to), hint(answer))}, nil
}
