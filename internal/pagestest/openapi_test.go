package pagestest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/content"
	"github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/schema_validation"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/pb33f/libopenapi/orderedmap"

	"github.com/vestibule-go/auth/authtest"
)

// A description is docs/openapi.yaml, read.
type description struct {
	validator.Validator
	model *v3.Document
}

func describe(t testing.TB) description {
	t.Helper()
	text, err := os.ReadFile("../../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(doc, config.WithFormatAssertions(), config.WithBodyDecoder("application/x-www-form-urlencoded", content.DecoderFunc(decodeForm)))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return description{v, &model.Model}
}

// decodeForm reads a form for the validator, whose own decoder refuses reserved characters also where they are escaped.
func decodeForm(in *content.DecodeInput) (any, error) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	all := map[string]any{}
	for k, values := range form {
		if all[k] = values[0]; len(values) > 1 {
			return nil, fmt.Errorf("%s is there twice", k)
		}
	}
	return all, err
}

// say returns what a validator has found.
func say(errs []*errors.ValidationError) string {
	var b strings.Builder
	for _, e := range errs {
		fmt.Fprintf(&b, "\n%s: %s", e.Message, e.Reason)
		for _, s := range e.SchemaValidationErrors {
			fmt.Fprintf(&b, "\n\t%s at %s", s.Reason, s.KeywordLocation)
		}
	}
	return b.String()
}

// operations are all of the description, by their method and path.
func (d description) operations() map[string]*v3.Operation {
	all := map[string]*v3.Operation{}
	for path, item := range d.model.Paths.PathItems.FromOldest() {
		for method, op := range item.GetOperations().FromOldest() {
			all[strings.ToUpper(method)+" "+path] = op
		}
	}
	return all
}

// A key is an answer that the description knows: method, path, status and media type.
func key(method, path string, status any, typ string) string {
	return strings.TrimSpace(fmt.Sprint(method, " ", path, " ", status, " ", typ))
}

// answers are all that are described.
func (d description) answers() map[string]bool {
	all := map[string]bool{}
	for name, op := range d.operations() {
		method, path, _ := strings.Cut(name, " ")
		for status, r := range op.Responses.Codes.FromOldest() {
			if orderedmap.Len(r.Content) == 0 {
				all[key(method, path, status, "")] = true
			}
			for typ := range r.Content.FromOldest() {
				all[key(method, path, status, typ)] = true
			}
		}
	}
	return all
}

var revoke = regexp.MustCompile(`^/account/sessions/[^/]+/revoke$`)

// described returns the path of r as the description has it.
func described(r *http.Request) string {
	return revoke.ReplaceAllString(r.URL.Path, "/account/sessions/{id}/revoke")
}

func (e exchange) name() string {
	return fmt.Sprint(e.request.Method, " ", e.request.URL, " ", e.request.Header.Get("Content-Type"), " for ", e.request.Header.Get("Accept"), ": ", e.response.StatusCode)
}

// check validates an exchange.
func (d description) check(t testing.TB, e exchange) {
	t.Helper()
	request := e.request.Clone(t.Context())
	request.Body = io.NopCloser(bytes.NewReader(e.sent))
	if ok, errs := d.checkRequest(e.response.StatusCode, request); !ok {
		t.Errorf("%s: the request: %s\n%s", e.name(), say(errs), e.sent)
	}
	request.Body = io.NopCloser(bytes.NewReader(e.sent))
	response := *e.response
	response.Body = io.NopCloser(bytes.NewReader(e.got))
	if ok, errs := d.ValidateHttpResponse(request, &response); !ok {
		t.Errorf("%s: %s\n%.300s", e.name(), say(errs), e.got)
	}
	if e.response.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: header %v", e.name(), e.response.Header)
	}
}

// checkRequest validates a request that was accepted; others are sent to be refused. One that is redirected may
// lack a session, and nothing else.
func (d description) checkRequest(status int, r *http.Request) (bool, []*errors.ValidationError) {
	switch {
	case status >= 400:
		return true, nil
	case status == http.StatusSeeOther:
		return d.GetRequestBodyValidator().ValidateRequestBody(r)
	}
	return d.ValidateHttpRequestSync(r)
}

// TestDescription walks through all that the pages do. Every answer is as it is described, and all that is
// described is answered.
func TestDescription(t *testing.T) {
	d := describe(t)
	var all []exchange
	synctest.Test(t, func(t *testing.T) { all = walk(t) })
	want, codes, accepted := d.answers(), map[string]bool{}, map[string]bool{}
	for _, e := range all {
		var p struct{ Code string }
		if json.Unmarshal(e.got, &p); e.response.StatusCode >= 400 && p.Code != "" {
			codes[p.Code] = true
		}
		if e.response.StatusCode == http.StatusMethodNotAllowed {
			continue // of methods that are not described
		}
		d.check(t, e)
		typ, _, _ := mime.ParseMediaType(e.response.Header.Get("Content-Type"))
		delete(want, key(e.request.Method, described(e.request), e.response.StatusCode, typ))
		if sent, _, _ := mime.ParseMediaType(e.request.Header.Get("Content-Type")); e.response.StatusCode < 400 {
			accepted[key(e.request.Method, described(e.request), "", sent)] = true
		}
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		t.Errorf("%s is described, and never answered", k)
	}
	d.checkBodies(t, accepted)
	d.checkCodes(t, codes)
}

// checkBodies checks that every body that is described was accepted once.
func (d description) checkBodies(t *testing.T, accepted map[string]bool) {
	for name, op := range d.operations() {
		if op.RequestBody == nil {
			continue
		}
		method, path, _ := strings.Cut(name, " ")
		for typ := range op.RequestBody.Content.FromOldest() {
			if !accepted[key(method, path, "", typ)] {
				t.Errorf("%s: a body of %s is described, and was never accepted", name, typ)
			}
		}
	}
}

// checkCodes checks that the codes of problems are those that are described.
func (d description) checkCodes(t *testing.T, seen map[string]bool) {
	problem, _ := d.model.Components.Schemas.Get("Problem")
	code, _ := problem.Schema().Properties.Get("code")
	var listed []string
	for _, node := range code.Schema().Enum {
		listed = append(listed, node.Value)
	}
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, listed) {
		t.Errorf("codes %q, described are %q", got, listed)
	}
}

// TestNotices proves that the validator sees what is not as described.
func TestNotices(t *testing.T) {
	d := describe(t)
	const good = `{"user":null,"csrf_token":"x","authenticated_at":null}`
	answer := func(method, path string, status int, typ, body string) bool {
		r := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {typ}}, Body: io.NopCloser(strings.NewReader(body))}
		ok, _ := d.ValidateHttpResponse(httptest.NewRequest(method, base+path, nil), r)
		return ok
	}
	if !answer("GET", "/session", 200, "application/json", good) {
		t.Error("a good answer is refused")
	}
	for name, ok := range map[string]bool{
		"status":         answer("GET", "/session", 201, "application/json", good),
		"type":           answer("GET", "/session", 200, "text/html", good),
		"unknown field":  answer("GET", "/session", 200, "application/json", strings.Replace(good, `{"u`, `{"x":1,"u`, 1)),
		"missing field":  answer("GET", "/session", 200, "application/json", `{"user":null,"csrf_token":"x"}`),
		"null":           answer("GET", "/session", 200, "application/json", strings.Replace(good, `"x"`, "null", 1)),
		"not null":       answer("GET", "/session", 200, "application/json", strings.Replace(good, `"user":null`, `"user":{}`, 1)),
		"time":           answer("GET", "/session", 200, "application/json", strings.Replace(good, `at":null`, `at":"noon"`, 1)),
		"code":           answer("GET", "/login", 406, "application/problem+json", `{"type":"about:blank","title":"x","status":406,"code":"failed","detail":"x"}`),
		"no Retry-After": answer("POST", "/login", 429, "text/html", "x"),
		"no Location":    answer("POST", "/login", 303, "", ""),
		"device":         answer("GET", "/account/sessions", 200, "application/json", `{"sessions":[{"id":"x"}]}`),
	} {
		if ok {
			t.Errorf("%s: the answer passes", name)
		}
	}
	for body, typ := range map[string]string{
		`{"email":"x","password":"y","admin":true}`:     "application/json",
		`{"email":"x","password":1}`:                    "application/json",
		`{"email":"x","password":"y","remember":"yes"}`: "application/json",
		`{"email":"x"}`:        "application/json",
		"email=x&password=y":   "application/x-www-form-urlencoded",
		"email=x&csrf_token=y": "application/x-www-form-urlencoded",
		"x":                    "text/plain",
	} {
		r := httptest.NewRequest("POST", base+"/login", strings.NewReader(body))
		r.Header.Set("Content-Type", typ)
		if ok, _ := d.checkRequest(303, r); ok {
			t.Errorf("%s %s: the request passes", typ, body)
		}
	}
	r := httptest.NewRequest("POST", base+"/login", strings.NewReader(`{"email":"x","password":"y"}`))
	r.Header.Set("Content-Type", "application/json")
	if ok, _ := d.checkRequest(200, r); ok {
		t.Error("a request without cookie and token passes")
	}
}

func TestDescriptionIsValid(t *testing.T) {
	if ok, errs := describe(t).ValidateDocument(); !ok {
		t.Error(say(errs))
	}
}

// TestExamples checks that every example is an example.
func TestExamples(t *testing.T) {
	d := describe(t)
	check := func(where string, m *v3.MediaType) {
		if m.Example == nil {
			return
		}
		var value any
		if err := m.Example.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if ok, errs := schema_validation.NewSchemaValidator(config.WithFormatAssertions()).ValidateSchemaObject(m.Schema.Schema(), value); !ok {
			t.Errorf("example of %s: %s", where, say(errs))
		}
	}
	n := 0
	for name, b := range d.model.Components.RequestBodies.FromOldest() {
		for typ, m := range b.Content.FromOldest() {
			check(name+" "+typ, m)
			n++
		}
	}
	for name, r := range d.model.Components.Responses.FromOldest() {
		for typ, m := range r.Content.FromOldest() {
			check(name+" "+typ, m)
			n++
		}
	}
	if n < 30 {
		t.Errorf("%d bodies", n)
	}
}

// TestRoutes checks that the routes of the pages are those of the description, and their methods, too.
func TestRoutes(t *testing.T) {
	d := describe(t)
	methods := map[string][]string{}
	for name := range d.operations() {
		method, path, _ := strings.Cut(name, " ")
		methods[path] = append(methods[path], method)
		if method == "GET" {
			methods[path] = append(methods[path], "HEAD")
		}
	}
	source, err := os.ReadFile("../../pages/routes.go")
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"/vestibule.css"} // it is no route, since it needs no session
	for _, m := range regexp.MustCompile(`mux\.Handle\("([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
		known = append(known, m[1])
	}
	slices.Sort(known)
	if got := slices.Sorted(maps.Keys(methods)); !slices.Equal(got, known) {
		t.Errorf("described are %q, there are %q", got, known)
	}
	synctest.Test(t, func(t *testing.T) {
		v := newSite(t, true).user(true)
		for path, want := range methods {
			slices.Sort(want)
			r := send(v, "PUT", strings.Replace(path, "{id}", "x", 1))
			if got := r.Header.Get("Allow"); r.Status != http.StatusMethodNotAllowed || got != strings.Join(want, ", ") {
				t.Errorf("%s: status %d, Allow is %q, described are %q", path, r.Status, got, want)
			}
		}
	})
}

// send sends a request without a body.
func send(v *visitor, method, path string) *authtest.Response {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("X-CSRF-Token", v.csrf())
	return v.Do(r)
}
