//go:build linux

package deploy

import (
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/vestibule-go/auth/authtest"
)

const changed = "candle meadow rocket puzzle"

// outage is what two people see while a part is away: one is signed in, and one has the form to log in open.
type outage struct {
	h          *house
	in, out    *visitor
	session    string
	form       url.Values // to put something on the shelf
	login      url.Values
	loginsSeen int
}

func (h *house) newOutage() *outage {
	h.t.Helper()
	o := &outage{h: h, in: newVisitor(h.t, h.nginx).join(), out: newVisitor(h.t, h.nginx).join()}
	o.session = o.in.session()
	o.form = o.in.get("/dashboard").fill("name", "Thing of an outage", "price", "1")
	want(h.t, o.out.send("/dashboard", "/logout"), http.StatusSeeOther)
	o.login = o.out.get("/login").fill("email", o.out.email)
	o.loginsSeen = o.logins()
	return o
}

// logins counts what the logs say of passwords that were looked at.
func (o *outage) logins() (n int) {
	for _, r := range o.h.replicas {
		n += strings.Count(r.log.String(), "auth: login_failed") + strings.Count(r.log.String(), "auth: logged_in")
	}
	return n
}

// try tries to log in with the form that was open before.
func (o *outage) try(password string) *answer {
	o.login.Set("password", password)
	return o.out.do("POST", "/login", o.login)
}

// wantClosed checks that whoever is signed in has to wait, and that nobody gets in, or out.
func (o *outage) wantClosed() {
	t := o.h.t
	t.Helper()
	wantAway(t, o.in.get("/dashboard"))
	wantAway(t, o.in.do("POST", "/products", o.form))
	right, wrong := o.try(authtest.Password), o.try("a wrong password")
	wantAway(t, right)
	wantAway(t, wrong)
	if strings.Contains(wrong.body, "password is wrong") || tokenless(right.body) != tokenless(wrong.body) {
		t.Errorf("a wrong password is answered otherwise:\n%s\n%s", right.body, wrong.body)
	}
	if n := o.logins(); n != o.loginsSeen {
		t.Errorf("%d passwords were looked at", n-o.loginsSeen)
	}
	if o.in.session() != o.session || o.out.session() != "" {
		t.Error("the cookies are others")
	}
	for _, path := range []string{"/healthz", "/readyz", "/login"} {
		want(t, o.out.get(path), http.StatusOK)
	}
	for _, r := range o.h.replicas { // or the balancer would have nobody left
		if got := r.ready(); got != http.StatusOK {
			t.Errorf("ready: %d", got)
		}
	}
}

func tokenless(page string) string { return tokenField.ReplaceAllString(page, "") }

// wantOpen waits until the part is back. Nothing was lost, and guesses count again.
func (o *outage) wantOpen() {
	t := o.h.t
	t.Helper()
	until(t, "the shop is open again", func() bool { return o.in.get("/dashboard").status == http.StatusOK })
	for range 4 { // both replicas
		want(t, o.in.get("/dashboard"), http.StatusOK, o.in.email)
	}
	if o.in.session() != o.session {
		t.Error("it is another session")
	}
	until(t, "forms are taken", func() bool { return o.in.do("POST", "/products", o.form).status == http.StatusSeeOther })
	until(t, "guesses are counted", func() bool { return o.try("a wrong password").status == http.StatusUnprocessableEntity })
	for range 6 { // five are free
		o.try("a wrong password")
	}
	want(t, o.try("a wrong password"), http.StatusTooManyRequests)
	if o.out.session() != "" {
		t.Error("a wrong password has let somebody in")
	}
	for _, r := range o.h.replicas {
		if !r.running() {
			t.Error("a replica has ended")
		}
	}
}

// wantPublic checks that everybody sees the shop, as a guest if need be.
func (o *outage) wantPublic() {
	t := o.h.t
	t.Helper()
	for _, v := range []*visitor{o.in, o.out} {
		a := v.get("/")
		want(t, a, http.StatusOK, "Log in")
		wantCookiesLeft(t, a)
		if strings.Contains(a.body, v.email) {
			t.Errorf("%s is shown", v.email)
		}
	}
}

// impatient starts the replicas again with a short timeout, so that this does not take long.
func (h *house) impatient() (end func()) {
	for _, r := range h.replicas {
		r.env = append(r.env, "YUMROAD_TIMEOUT=1s")
		r.restart()
	}
	return func() {
		for _, r := range h.replicas {
			r.env = r.env[:len(r.env)-1]
			r.restart()
		}
	}
}

func (h *house) redisAway() {
	h.without(func() { h.redis.stop(syscall.SIGTERM) }, (*outage).wantPublic, h.redis.start)
}

func (h *house) redisHangs() {
	defer h.impatient()()
	h.without(func() { h.redis.signalAll(syscall.SIGSTOP) }, (*outage).wantPublic, func() { h.redis.signalAll(syscall.SIGCONT) })
}

func (h *house) postgresAway() {
	h.without(func() { h.db.stop(syscall.SIGINT) }, (*outage).wantShelvesEmpty, h.db.start)
}

// PostgreSQL hangs, and requests do not: without a bound nginx would answer in the place of the shop, with 504.
func (h *house) postgresHangs() {
	defer h.impatient()()
	h.without(func() { h.db.signalAll(syscall.SIGSTOP) }, (*outage).wantShelvesEmpty, func() { h.db.signalAll(syscall.SIGCONT) })
}

// without takes a part away and brings it back. public checks what everybody sees of the shop meanwhile.
func (h *house) without(away func(), public func(*outage), back func()) {
	o := h.newOutage()
	away()
	public(o)
	o.wantClosed()
	back()
	o.wantOpen()
}

// wantShelvesEmpty checks what is left without the database, in which the products are.
func (o *outage) wantShelvesEmpty() {
	o.h.t.Helper()
	for _, v := range []*visitor{o.in, o.out} {
		wantAway(o.h.t, v.get("/"))
	}
}

// Whoever is signed in reads on while PostgreSQL takes no writes, as on a standby, and loses nothing.
func (h *house) readOnly() {
	o := h.newOutage()
	h.db.exec("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
	until(h.t, "no writes", func() bool { return o.in.do("POST", "/products", o.form).status == http.StatusServiceUnavailable })
	o.wantReading()
	h.db.exec("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
	o.wantOpen()
}

func (o *outage) wantReading() {
	t := o.h.t
	t.Helper()
	for range 4 { // both replicas
		want(t, o.in.get("/dashboard"), http.StatusOK, o.in.email)
		want(t, o.in.get("/"), http.StatusOK, "Log out")
		want(t, o.out.get("/"), http.StatusOK, "Log in")
	}
	wantAway(t, o.in.do("POST", "/products", o.form))
	wantAway(t, o.in.send("/account/password", "/account/password", "current", authtest.Password, "password", changed, "confirm", changed))
	wantAway(t, newVisitor(t, o.h.nginx).signUp())
	again := newVisitor(t, o.h.nginx)
	again.email = o.in.email
	want(t, again.logIn(authtest.Password), http.StatusSeeOther) // sessions and counts are on Redis
	if o.in.session() != o.session {
		t.Error("it is another session")
	}
}

// Signing up does not wait for the mail server, nor does the end of the process for ever; the log says that mails were not sent.
func (h *house) mailAway() {
	newVisitor(h.t, h.nginx).join()
	said := ""
	for _, r := range h.replicas {
		r.restart() // the end tries once more what has not been sent
		if code := r.last.cmd.ProcessState.ExitCode(); code != 0 {
			h.t.Errorf("exit code %d", code)
		}
		said += r.last.log.String()
	}
	if !strings.Contains(said, `reason="send mail: confirm"`) {
		h.t.Error("nothing of the mails is in the log")
	}
}
