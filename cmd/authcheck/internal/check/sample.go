package check

import (
	"fmt"
	"html"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
)

// sample is an answer without what is another each time, and without the names of whom it is about.
type sample struct {
	asked   string
	status  int
	headers map[string]string
	lines   []string
}

func sampled(a *browser.Answer, who *account) *sample {
	s := &sample{asked: a.Asked, status: a.Status, headers: map[string]string{}}
	for name, values := range a.Header {
		if !changing[name] {
			s.headers[name] = mask(strings.Join(values, ", "), who)
		}
	}
	var cookies []string
	for _, c := range a.SetCookies {
		kind := "set"
		if c.MaxAge < 0 || c.Value == "" {
			kind = "deleted"
		}
		cookies = append(cookies, c.Name+" "+kind)
	}
	slices.Sort(cookies)
	s.headers["Set-Cookie"] = strings.Join(cookies, ", ")
	s.lines = strings.Split(mask(a.Body, who), "\n")
	return s
}

// changing are headers that are another with every answer.
var changing = map[string]bool{
	"Date": true, "Content-Length": true, "Etag": true, "Set-Cookie": true, "Expires": true, "Last-Modified": true, "Age": true,
	"X-Request-Id": true, "X-Runtime": true, "X-Correlation-Id": true, "Server-Timing": true, "Connection": true, "Keep-Alive": true,
	"X-Ratelimit-Remaining": true, "X-Ratelimit-Reset": true, "Ratelimit-Remaining": true, "Ratelimit-Reset": true,
}

var (
	hiddenField = regexp.MustCompile(`(?i)<input[^>]*type=["']?hidden[^>]*>`)
	metaTag     = regexp.MustCompile(`(?i)<meta[^>]*csrf[^>]*>`)
	valueOf     = regexp.MustCompile(`(?i)(value|content)=("[^"]*"|'[^']*')`)
	nonceOf     = regexp.MustCompile(`(?i)nonce[-=]["']?[^"'\s;>]+`)
	longRandom  = regexp.MustCompile(`[A-Za-z0-9+/_=-]{20,}`)
)

func mask(s string, who *account) string {
	for _, name := range []string{who.email, who.user} {
		for _, spelled := range []string{name, html.EscapeString(name), url.QueryEscape(name), strings.ReplaceAll(html.EscapeString(name), "+", "&#43;")} {
			s = strings.ReplaceAll(s, spelled, "SOMEBODY")
		}
	}
	blank := func(tag string) string { return valueOf.ReplaceAllString(tag, `$1=""`) }
	s = hiddenField.ReplaceAllStringFunc(s, blank)
	s = metaTag.ReplaceAllStringFunc(s, blank)
	s = nonceOf.ReplaceAllString(s, "nonce")
	return longRandom.ReplaceAllStringFunc(s, func(word string) string {
		if strings.ContainsAny(word, "0123456789") {
			return "RANDOM"
		}
		return word
	})
}

// differences returns in what the answers for a known account differ from those for an unknown one. What differs between two answers of the
// same kind is not counted.
func differences(known, unknown []*sample) (seen []string) {
	k, u := known[0], unknown[0]
	if k.status != u.status && known[1].status == k.status && unknown[1].status == u.status {
		return []string{fmt.Sprintf("%s → %d for an account that exists, %d for one that does not", k.asked, k.status, u.status)}
	}
	names := map[string]string{}
	for _, s := range slices.Concat(known, unknown) {
		maps.Copy(names, s.headers)
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if steadily(known, unknown, func(s *sample) string { return s.headers[name] }) {
			seen = append(seen, fmt.Sprintf("%s: header %s is %q for an account that exists, %q for one that does not",
				k.asked, name, cut(k.headers[name], 60), cut(u.headers[name], 60)))
		}
	}
	return append(seen, bodies(known, unknown)...)
}

// steadily reports whether something is the same among the known and among the unknown, and differs between them.
func steadily(known, unknown []*sample, of func(*sample) string) bool {
	return of(known[0]) == of(known[1]) && of(unknown[0]) == of(unknown[1]) && of(known[0]) != of(unknown[0])
}

func bodies(known, unknown []*sample) []string {
	k, u := known[0], unknown[0]
	if len(k.lines) != len(u.lines) {
		if steadily(known, unknown, func(s *sample) string { return fmt.Sprint(len(s.lines)) }) {
			return []string{fmt.Sprintf("%s: the page has %d lines for an account that exists, %d for one that does not", k.asked, len(k.lines), len(u.lines))}
		}
		return nil
	}
	for i := range k.lines {
		line := func(s *sample) string {
			if i < len(s.lines) {
				return s.lines[i]
			}
			return ""
		}
		if steadily(known, unknown, line) {
			return []string{fmt.Sprintf("%s: line %d is %q for an account that exists, %q for one that does not",
				k.asked, i+1, cut(line(k), 80), cut(line(u), 80))}
		}
	}
	return nil
}
