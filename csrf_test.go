package auth_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/justinas/nosurf"

	"github.com/vestibule-go/auth"
)

func TestCSRF(t *testing.T) {
	s := newSite(t, nil)
	s.unwatched()
	done := 0
	s.mux.HandleFunc("/act", func(w http.ResponseWriter, r *http.Request) { done++ })
	b := s.browser()
	b.signup(ann)
	token := b.get("/form").body()
	other := s.browser()
	other.signup(bob)
	set := func(kv ...string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Del("Origin")
			r.Header.Del("Sec-Fetch-Site")
			for i := 0; i < len(kv); i += 2 {
				r.Header.Set(kv[i], kv[i+1])
			}
		}
	}
	for _, try := range []struct {
		name  string
		token string
		edit  func(*http.Request)
		ok    bool
	}{
		{"as a browser sends it", token, nil, true},
		{"with Origin alone", token, set("Origin", base), true},
		{"with Referer alone", token, set("Referer", base+"/form"), true},
		{"with Sec-Fetch-Site alone", token, set("Sec-Fetch-Site", "same-origin"), true},
		{"Origin null from a page without referrer", token, set("Origin", "null", "Sec-Fetch-Site", "same-origin"), true},
		{"by another name of this machine", token, set("Origin", "http://127.0.0.1"), true},
		{"token in the header", "", func(r *http.Request) { r.Header.Set("X-CSRF-Token", token) }, true},
		{"no token", "", nil, false},
		{"token of another's session", other.get("/form").body(), nil, false},
		{"wrong token", strings.Repeat("A", 86) + "==", nil, false},
		{"no evidence of where it comes from", token, set(), false},
		{"cross-site by Sec-Fetch-Site", token, set("Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"), false},
		{"cross-site by Sec-Fetch-Site, though the Origin is ours", token, set("Sec-Fetch-Site", "cross-site", "Origin", base), false},
		{"cross-site with another's Origin", token, set("Origin", "https://evil.example"), false},
		{"same-site", token, set("Sec-Fetch-Site", "same-site", "Origin", "http://other.localhost"), false},
		{"another port", token, set("Origin", base+":8081"), false},
		{"another scheme", token, set("Origin", "https://localhost"), false},
		{"another's Referer", token, set("Referer", "https://evil.example/"+base), false},
		{"Origin null", token, set("Origin", "null"), false},
		{"unparsable Origin", token, set("Origin", "http://%zz"), false},
		{"the Host header agrees with a foreign Origin", token, func(r *http.Request) {
			set("Origin", "http://evil.example")(r)
			r.Host = "evil.example"
		}, false},
		{"token in the query only", "", func(r *http.Request) { r.URL.RawQuery = url.Values{"csrf_token": {token}}.Encode() }, false},
	} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			if method == "DELETE" && try.ok && try.token != "" {
				continue // a body of DELETE is no form
			}
			done = 0
			form := url.Values{}
			if try.token != "" {
				form.Set("csrf_token", try.token)
			}
			r := b.request(method, "/act", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if try.edit != nil {
				try.edit(r)
			}
			resp := b.do(r)
			if ok := done == 1 && resp.Code == 200; ok != try.ok || !try.ok && (done != 0 || resp.Code != 403) {
				t.Errorf("%s, %s: status %d, ran %d times; want through: %v", method, try.name, resp.Code, done, try.ok)
			}
		}
	}
	if len(s.event(auth.EventCSRFRefused)) == 0 {
		t.Error("no event")
	}
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		done = 0
		if b.do(b.request(method, "/act", nil)); done != 1 {
			t.Errorf("%s needs a token", method)
		}
	}
}

// A token that an attacker planted in a cookie is worth nothing to a session.
func TestPlantedCSRFCookie(t *testing.T) {
	s := newSite(t, nil)
	attacker, b := s.browser(), s.browser()
	token := attacker.get("/form").body()
	b.signup(ann)
	b.cookies["csrf_token"] = attacker.cookies["csrf_token"]
	r := b.request("POST", "/cart", strings.NewReader(url.Values{"csrf_token": {token}, "cart": {"planted"}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	wantStatus(t, "post with a planted token", b.do(r), 403)
}

func TestCSRFTokenChangesAtLoginAndLogout(t *testing.T) {
	s := newSite(t, nil)
	var within string
	s.mux.HandleFunc("POST /in", func(w http.ResponseWriter, r *http.Request) {
		u, err := s.m.Authenticate(r.Context(), auth.ParseLogin(r))
		if err == nil {
			err = s.m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword})
		}
		if err != nil {
			t.Error(err)
		}
		within = auth.CSRFToken(r.Context())
	})
	s.browser().signup(ann)
	b := s.browser()
	send := func(token string) int {
		r := b.request("POST", "/cart", strings.NewReader(url.Values{"csrf_token": {token}, "cart": {"x"}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return b.do(r).Code
	}
	before := b.get("/form").body()
	if got := send(before); got != 200 {
		t.Errorf("a guest's token: %d", got)
	}
	wantStatus(t, "login", b.post("/in", "email", ann, "password", password), 200)
	if got := send(before); got != 403 {
		t.Errorf("a token of before the login: %d", got)
	}
	if got := send(within); got != 200 {
		t.Errorf("the token that the login's own page got: %d", got)
	}
	inside := b.get("/form").body()
	b.post("/logout")
	for name, token := range map[string]string{"of the session": inside, "of before the login": before} {
		if got := send(token); got != 403 {
			t.Errorf("a token %s, after the logout: %d", name, got)
		}
	}
	if got := send(b.get("/form").body()); got != 200 {
		t.Errorf("a new token: %d", got)
	}
}

// Every page has another token, so that its compressed length tells nothing (BREACH), and nosurf says that
// all of them are the same.
func TestCSRFTokenIsMasked(t *testing.T) {
	s := newSite(t, nil)
	s.unwatched()
	guest, user := s.browser(), s.browser()
	guest.get("/form") // brings the cookie
	user.signup(ann)
	for who, b := range map[string]*browser{"guest": guest, "user": user} {
		first, second := b.get("/form").body(), b.get("/form").body()
		if first == second || first[:43] == second[:43] {
			t.Errorf("%s: two pages have one mask", who)
		}
		if !nosurf.VerifyToken(first, second) {
			t.Errorf("%s: %q and %q are not one token", who, first, second)
		}
		raw, err := base64.StdEncoding.DecodeString(first)
		if err != nil || len(raw) != 64 {
			t.Errorf("%s: %q are %d bytes, error %v", who, first, len(raw), err)
		}
	}
}

func TestTokenAfterTheFirstByte(t *testing.T) {
	s := newSite(t, nil)
	s.mux.HandleFunc("GET /late", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<form>")
		io.WriteString(w, auth.CSRFToken(r.Context()))
	})
	b := s.browser()
	for range 2 { // with and without the cookie: a mistake must show at once
		if got := b.get("/late").body(); got != "<form>" {
			t.Errorf("guest, too late: %q", got)
		}
		b.get("/form")
	}
	b.signup(ann)
	if got := b.get("/late").body(); len(got) < 50 {
		t.Errorf("user, late: %q", got)
	}
}

func TestCSRFRefusedHandler(t *testing.T) {
	var stale []bool
	s := newSite(t, func(c *auth.Config) {
		c.CSRFRefused = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			stale = append(stale, auth.StaleForm(r.Context()))
			token := auth.CSRFToken(r.Context())
			w.WriteHeader(403)
			io.WriteString(w, r.PostFormValue("email")+" "+token)
		})
	})
	b := s.browser()
	send := func(token, origin string) *response {
		r := b.request("POST", "/login", strings.NewReader(url.Values{"csrf_token": {token}, "email": {ann}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", origin)
		if origin != base {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}
		return b.do(r)
	}
	if send("", base); len(stale) != 1 || stale[0] {
		t.Errorf("a form without a token: stale %v", stale)
	}
	stale = nil
	r := send("old", base)
	email, fresh, _ := strings.Cut(r.body(), " ")
	if r.Code != 403 || email != ann || len(stale) != 1 || !stale[0] {
		t.Errorf("an old form: %d, %q, stale %v", r.Code, email, stale)
	}
	if r := send(fresh, base); r.Code == 403 {
		t.Error("the token of the form that came back is refused")
	}
	if send(fresh, "https://evil.example"); len(stale) != 2 || stale[1] {
		t.Errorf("another site's form: stale %v", stale)
	}
}

// What a refused form holds is not parsed, and what files a form holds are gone
// when it is answered.
func TestFormsLeaveNoFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s := newSite(t, func(c *auth.Config) { c.MaxForm = 10 << 20 })
	s.unwatched()
	stored := 0
	s.mux.HandleFunc("POST /upload", func(w http.ResponseWriter, r *http.Request) {
		f, _, err := r.FormFile("file")
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		stored++
	})
	b := s.browser()
	token := b.get("/form").body()
	var buf bytes.Buffer
	mw := multipart.NewWriter(&buf)
	mw.WriteField("csrf_token", token)
	w, _ := mw.CreateFormFile("file", "f")
	w.Write(make([]byte, 5<<20))
	mw.Close()
	r := b.request("POST", "/upload", bytes.NewReader(buf.Bytes()))
	r.Header.Set("Content-Type", mw.FormDataContentType())
	wantStatus(t, "upload", b.do(r), 200)
	if stored != 1 {
		t.Error("the handler did not get the file")
	}
	body := bytes.NewReader(buf.Bytes())
	r = b.request("POST", "/upload", body)
	r.Header.Set("Content-Type", mw.FormDataContentType())
	r.Header.Set("X-CSRF-Token", "bogus")
	wantStatus(t, "upload with a bogus token", b.do(r), 403)
	if body.Len() != buf.Len() {
		t.Errorf("of a refused form %d bytes were read", buf.Len()-body.Len())
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestBodies(t *testing.T) {
	s := newSite(t, func(c *auth.Config) { c.MaxForm = 1000 })
	s.unwatched()
	s.mux.HandleFunc("POST /upload", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || n < 5000 {
			t.Errorf("upload: %d bytes, %v", n, err)
		}
	})
	b := s.browser()
	token := b.get("/form").body()
	big := url.Values{"csrf_token": {token}, "email": {strings.Repeat("a", 5000)}}.Encode()
	form := func(body io.Reader, contentType string) *http.Request {
		r := b.request("POST", "/login", body)
		r.Header.Set("Content-Type", contentType)
		return r
	}
	const urlencoded = "application/x-www-form-urlencoded"
	wantStatus(t, "too large, and says so", b.do(form(strings.NewReader(big), urlencoded)), 413)
	wantStatus(t, "too large, in chunks", b.do(form(struct{ io.Reader }{strings.NewReader(big)}, urlencoded)), 413)
	wantStatus(t, "too large, with an odd type", b.do(form(struct{ io.Reader }{strings.NewReader(big)}, urlencoded+"; x")), 400)
	wantStatus(t, "malformed", b.do(form(strings.NewReader("email=%zz"), urlencoded)), 400)

	var buf bytes.Buffer
	mw := multipart.NewWriter(&buf)
	mw.WriteField("csrf_token", token)
	mw.WriteField("email", ann)
	mw.WriteField("password", password)
	mw.Close()
	small := buf.Bytes()
	wantStatus(t, "multipart login", b.do(form(bytes.NewReader(small), mw.FormDataContentType())), 415)
	buf.Reset()
	mw = multipart.NewWriter(&buf)
	mw.WriteField("file", strings.Repeat("x", 6000))
	mw.Close()
	wantStatus(t, "large multipart", b.do(form(struct{ io.Reader }{bytes.NewReader(buf.Bytes())}, mw.FormDataContentType())), 413)
	for _, header := range []string{token, "bogus"} {
		r := form(bytes.NewReader(buf.Bytes()), mw.FormDataContentType())
		r.Header.Set("X-CSRF-Token", header)
		wantStatus(t, "large multipart with a token in the header", b.do(r), 413)
		r = form(struct{ io.Reader }{bytes.NewReader(buf.Bytes())}, mw.FormDataContentType())
		r.Header.Set("X-CSRF-Token", header)
		if resp := b.do(r); resp.Code != 415 && resp.Code != 403 {
			t.Errorf("large multipart in chunks with a token in the header: %d", resp.Code)
		}
	}
	r := b.request("POST", "/upload", bytes.NewReader(make([]byte, 6000)))
	r.Header.Set("Content-Type", "application/octet-stream")
	r.Header.Set("X-CSRF-Token", token)
	wantStatus(t, "upload that is no form", b.do(r), 200)

	for _, kind := range []string{"application/json", "text/plain", ""} {
		r := form(strings.NewReader(`{"email":"ann@example.com"}`), kind)
		wantStatus(t, kind+" without a token", b.do(r), 403)
		r = form(strings.NewReader(`{"email":"ann@example.com"}`), kind)
		r.Header.Set("X-CSRF-Token", token)
		wantStatus(t, kind+" with the token in the header", b.do(r), 415)
	}
	r = form(strings.NewReader(url.Values{"csrf_token": {token}}.Encode()), urlencoded)
	r.URL.RawQuery = "email=ann%40example.com&password=" + url.QueryEscape(password)
	s.browser().signup(ann)
	wantStatus(t, "credentials in the query", b.do(r), 422)
	wantWho(t, "after that", b, "nobody")
	r = form(strings.NewReader(url.Values{"csrf_token": {token}, "email": {ann}, "password": {password}}.Encode()), urlencoded)
	r.URL.RawQuery = "%zz"
	wantStatus(t, "an odd query is no fault of the form", b.do(r), 303)
}
