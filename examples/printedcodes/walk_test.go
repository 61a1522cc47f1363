package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/memstore"
)

// From the first sheet to the last code.
func TestWalk(t *testing.T) {
	h := newHouse(t)
	c := h.member(ann)
	contains(t, c.Get("/"), "Your password is all")
	contains(t, c.Get("/account/sessions"), `<a href="/account/codes">Printed codes</a>`)
	contains(t, c.Get(accountPath), "A sheet of printed codes keeps out")

	codes := draw(t, c)
	page := c.Get(accountPath)
	if h.left(ann) != -1 || strings.Contains(page.Body, codes[0]) {
		t.Errorf("before a code was typed: %d left, and the page is\n%s", h.left(ann), page.Body)
	}
	r := c.Post(accountPath+"/on", url.Values{"code": {"AAAA BBBB CCCC DDDD EEEE FFFF"}})
	want(t, r, 422, "")
	contains(t, r, "not on your sheet", `aria-invalid="true"`, "<title>Error: ")
	want(t, c.Post(accountPath+"/on", url.Values{"code": {codes[0]}}), 303, accountPath)
	contains(t, c.Get(accountPath), "9 codes are left")
	contains(t, c.Get("/"), "a printed code")

	want(t, c.Logout(), 303, "/")
	want(t, c.Get("/"), 303, "/login?next=%2F")
	r = c.Post("/login", url.Values{"email": {ann}, "password": {authtest.Password}, "next": {"/account/sessions"}})
	want(t, r, 303, "/code?next=%2Faccount%2Fsessions")
	page = r.Follow()
	contains(t, page, "the next code of your printed sheet", `autocomplete="one-time-code"`, `name="next" value="/account/sessions"`)
	typed := strings.ToLower(strings.ReplaceAll(codes[1], " ", ""))
	want(t, c.Post(codePath, url.Values{"code": {typed}, "next": {"/account/sessions"}}), 303, "/account/sessions")
	if !in(c) || h.left(ann) != 8 {
		t.Errorf("in: %t, %d codes left", in(c), h.left(ann))
	}
	sessions, err := h.m.Sessions(t.Context(), h.user(ann))
	if err != nil || len(sessions) != 1 || !sessions[0].Has("otp") || !sessions[0].Has("pwd") {
		t.Errorf("%+v, %v", sessions, err)
	}
}

// With few codes left the user is led to where they make another sheet, and with none a code is needed all the same.
func TestLastCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		c, codes := h.enrolled(ann)
		for i, code := range codes {
			h.pending(c, ann)
			path := "/"
			if left := len(codes) - 1 - i; left < 3 {
				path = accountPath
			}
			want(t, give(c, code), 303, path)
			if i < len(codes)-1 {
				want(t, c.Logout(), 303, "/")
			}
			time.Sleep(2 * time.Minute)
		}
		contains(t, c.Get(accountPath), "No code is left", "Make a new sheet before you log out")
		other := h.pending(h.client(), ann)
		want(t, give(other, codes[8]), 422, "")
		if h.enrol(c); h.left(ann) != 9 {
			t.Errorf("%d left on the new sheet", h.left(ann))
		}
	})
}

func TestTyping(t *testing.T) {
	const drawn = "ABCDEFGHIJKLMNOPQRST2345"
	for _, typed := range []string{drawn, "abcd efgh ijkl mnop qrst 2345", " ABCD-EFGH-IJKL-MNOP-QRST-2345\r\n", "A8CDEFGH1JKLMN0PQRST2345", "ABCD\u00a0EFGHIJKLMNOPQRST2345"} {
		if code, err := parse(typed); code != drawn || err != nil {
			t.Errorf("%q is %q, %v", typed, code, err)
		}
	}
	for _, typed := range []string{"", " ", drawn[1:], drawn + "A", "ÄBCDEFGHIJKLMNOPQRST234", drawn[:23] + "9", drawn[:11] + "!" + drawn[12:]} {
		if code, err := parse(typed); code != "" || err == nil {
			t.Errorf("%q is %q, %v", typed, code, err)
		}
	}
}

// What the store has of a sheet opens nothing, and a code is long enough for that (OWASP ASVS 5.0, 6.5.2).
func TestWhatIsKept(t *testing.T) {
	h := newHouse(t)
	codes := h.enrol(h.member(ann))
	kept, err := h.store.Credentials(t.Context(), h.user(ann).ID, KindCode)
	if err != nil || len(kept) != 9 {
		t.Fatalf("%d kept, %v", len(kept), err)
	}
	seen := map[string]bool{}
	for i, code := range codes {
		plain := strings.ReplaceAll(code, " ", "")
		if bits := 5 * len(plain); bits < 112 || seen[plain] {
			t.Errorf("%q has %d bits, seen before: %t", code, bits, seen[plain])
		}
		seen[plain] = true
		all, _ := json.Marshal(kept[i])
		for _, code := range codes {
			if s := strings.ReplaceAll(code, " ", ""); strings.Contains(string(all), s) {
				t.Errorf("%s is in %s", s, all)
			}
		}
		if len(kept[i].ID) != 43 {
			t.Errorf("%q is no SHA-256", kept[i].ID)
		}
	}
}

// Every character of a code is drawn from all 32: the chance to see less than half of them in 300 codes is nil.
func TestChance(t *testing.T) {
	h := newHouse(t)
	h.member(ann)
	u, seen := h.user(ann), [codeLength]map[byte]bool{}
	for range 30 {
		for _, code := range drawn(t, h.codes, u) {
			for i, c := range []byte(strings.ReplaceAll(code, " ", "")) {
				if seen[i] == nil {
					seen[i] = map[byte]bool{}
				}
				seen[i][c] = true
			}
		}
	}
	for i, characters := range seen {
		if len(characters) < 16 {
			t.Errorf("character %d was one of %d", i, len(characters))
		}
	}
}

// Programs get the same by JSON.
func TestJSON(t *testing.T) {
	h := newHouse(t)
	c := h.client()
	c.Header = http.Header{"Accept": {"application/json"}}
	token := ""
	send := func(path, body string) (*authtest.Response, map[string]any) {
		t.Helper()
		r, _ := http.NewRequest("POST", path, strings.NewReader(body))
		if token == "" {
			token = answer(t, c.Get("/session"))["csrf_token"].(string)
		}
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		r.Header.Set("X-CSRF-Token", token)
		got := c.Do(r)
		all := answer(t, got)
		if next, ok := all["csrf_token"].(string); ok {
			token = next
		}
		return got, all
	}
	send("/signup", `{"email": "ann@example.com", "password": "`+authtest.Password+`", "confirm": "`+authtest.Password+`"}`)
	r, all := send(accountPath, "{}")
	want(t, r, 200, "")
	codes := all["codes"].([]any)
	r, all = send(accountPath+"/on", `{"code": "`+codes[0].(string)+`"}`)
	if r.Status != 200 || all["on"] != true || all["left"] != 9.0 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	if r, _ = send("/logout", "{}"); r.Status != 200 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	r, all = send("/login", `{"email": "ann@example.com", "password": "`+authtest.Password+`"}`)
	if r.Status != 401 || all["code"] != "second_factor_required" {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	token = ""
	if all := answer(t, c.Get(accountPath)); all["code"] != "second_factor_required" {
		t.Errorf("%v", all)
	}
	want(t, c.Get(codePath), 406, "")
	for body, code := range map[string]string{`{"code": "ABC"}`: "code_invalid", `{}`: "code_required", `{"code": "AAAABBBBCCCCDDDDEEEEFFFF"}`: "code_wrong"} {
		if r, all = send(codePath, body); r.Status != 422 || all["code"] != code {
			t.Errorf("%s: %d %s", body, r.Status, r.Body)
		}
	}
	if r, _ = send(codePath, `{"code": `); r.Status != 400 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	if r, _ = send(codePath, `{"code": "`+strings.Repeat("A", 2000)+`"}`); r.Status != 413 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	r, all = send(codePath, `{"code": "`+codes[1].(string)+`"}`)
	if r.Status != 200 || all["left"] != 8.0 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	if r, all = send(accountPath+"/off", "{}"); r.Status != 200 || all["on"] != false {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

func answer(t *testing.T, r *authtest.Response) (all map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.Body), &all); err != nil {
		t.Fatalf("%s %s: %v in %s", r.Method, r.URL, err, r.Body)
	}
	return all
}

// Whoever changes the factor may be a thief, so the user is told, and not the codes.
func TestNotices(t *testing.T) {
	h := newHouse(t)
	c := h.member(ann)
	codes := h.enrol(c)
	m := h.out.Wait(t, ann, noticeOn)
	if !strings.Contains(m.Text, "http://localhost/password/forgot") || strings.Contains(m.Text, codes[0]) {
		t.Errorf("%s\n%s", m.Subject, m.Text)
	}
	want(t, c.Post(accountPath+"/off", nil), 303, accountPath)
	if m := h.out.Wait(t, ann, noticeOff); !strings.Contains(m.Text, "switched off") {
		t.Errorf("%s\n%s", m.Subject, m.Text)
	}
	for _, m := range h.out.Messages() {
		if m.Subject == "" || m.Text == "" {
			t.Errorf("%+v", m)
		}
	}
	h.out.Wait(t, ann, email.KindConfirm) // in the words of the library
}

// The log says what has happened, and no code.
func TestEvents(t *testing.T) {
	log := new(strings.Builder)
	h := &house{t: t, store: &watched{Store: memstore.New(), calls: map[string]int{}}}
	var err error
	if h.app, err = newApp(h.store, &h.out, authtest.BaseURL, authtest.Hasher{}, slog.New(slog.NewTextHandler(log, nil))); err != nil {
		t.Fatal(err)
	}
	c := h.member(ann)
	codes := append(draw(t, c), h.enrol(c)...)
	other := h.pending(h.client(), ann)
	give(other, codes[0])
	give(other, codes[12])
	want(t, c.Post(accountPath+"/off", nil), 303, accountPath)
	h.close()
	for _, text := range []string{`msg="auth: printed_codes_on" user=`, `msg="auth: printed_codes_off" user=`, `reason="wrong printed code"`, `msg="auth: logged_in"`} {
		if !strings.Contains(log.String(), text) {
			t.Errorf("no %s in\n%s", text, log)
		}
	}
	for _, code := range codes {
		if strings.Contains(log.String(), code) || strings.Contains(log.String(), strings.ReplaceAll(code, " ", "")) {
			t.Errorf("%s is in the log", code)
		}
	}
}

func TestExport(t *testing.T) {
	h := newHouse(t)
	c := h.member(ann)
	if all := answer(t, c.Get("/account/export")); all["printed_codes"] != nil {
		t.Errorf("%v", all)
	}
	h.enrol(c)
	if all := answer(t, c.Get("/account/export")); all["printed_codes"].(map[string]any)["left"] != 9.0 {
		t.Errorf("%v", all)
	}
}

// A sheet outlives the process, and so does a login that awaits its code.
func TestRestart(t *testing.T) {
	h := newHouse(t)
	c, codes := h.enrolled(ann)
	h.pending(c, ann)
	h.restart()
	want(t, c.Get("/"), 303, "/code?next=%2F")
	want(t, give(c, codes[0]), 303, "/")
	h.restart()
	if !in(c) {
		t.Error("logged out by a restart")
	}
	want(t, give(h.pending(h.client(), ann), codes[0]), 422, "")

	c = h.member(bob)
	codes = draw(t, c)
	h.restart()
	want(t, c.Post(accountPath+"/on", url.Values{"code": {codes[3]}}), 303, accountPath)
}

// An administrator helps who has lost the sheet.
func TestLostSheet(t *testing.T) {
	h := newHouse(t)
	c := h.member(ann)
	h.enrol(c)
	if err := h.remove(t.Context(), " Ann@Example.com"); err != nil {
		t.Fatal(err)
	}
	h.out.Wait(t, ann, noticeOff)
	if in(c) {
		t.Error("a session goes on")
	}
	want(t, c.Login(ann, authtest.Password), 303, "/")
	if err := h.remove(t.Context(), bob); err == nil {
		t.Error("no error for an unknown user")
	}
}

// So does whoever has the store only.
func TestLostSheetByTheStore(t *testing.T) {
	h := newHouse(t)
	c, codes := h.enrolled(ann)
	if err := h.store.DeleteCredentials(t.Context(), h.user(ann).ID, KindSheet); err != nil {
		t.Fatal(err)
	}
	want(t, c.Login(ann, authtest.Password), 303, "/")
	if fresh := h.enrol(c); h.left(ann) != 9 || fresh[0] == codes[0] {
		t.Errorf("%d left", h.left(ann))
	}
}

// The command of the administrator, on the files that the application keeps.
func TestCommand(t *testing.T) {
	data := filepath.Join(t.TempDir(), "da ta")
	if err := run(t.Context(), "localhost:8080", data, ann); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("unknown user: %v", err)
	}
	store, closeStore, err := open(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore()
	c := unlimited(t, store)
	u := authtest.User(t, c.m, ann)
	if err := c.Activate(t.Context(), u, drawn(t, c, u)[0]); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), "localhost:8080", data, ann); err != nil {
		t.Fatal(err)
	}
	mails, err := filepath.Glob(filepath.Join(data, "mails", "*.eml"))
	if on, failed := c.On(t.Context(), u.ID); on || failed != nil || err != nil || len(mails) != 1 {
		t.Errorf("on: %t, %v; mails %q, %v", on, failed, mails, err)
	}
	for _, remove := range []string{"", "ann"} {
		if err := run(t.Context(), "nowhere", data, remove); err == nil {
			t.Errorf("no error for %q", remove)
		}
	}
}
