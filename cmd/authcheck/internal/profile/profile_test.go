package profile

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

const accounts = "\naccounts: [{user: a, password_env: A}, {user: b, password_env: B}]"

func TestProfiles(t *testing.T) {
	for _, name := range Names() {
		c, err := Load([]byte("base_url: http://127.0.0.1:1\nlogin: {user: other}"+accounts), name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := c.Check(nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.Login.User != "other" || c.Login.Path == "" || c.Limits.Timeout != 15*time.Second {
			t.Errorf("%s: a field of the file does not go on top of the profile: %+v", name, c.Login)
		}
	}
}

// What is commented out in the example is right as well.
func TestExample(t *testing.T) {
	file := Example()
	for range 2 {
		c, err := Load([]byte(file), "")
		if err == nil {
			err = c.Check(nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		file = regexp.MustCompile(`(?m)^# ((?:[a-z]+:|  - ).*)`).ReplaceAllString(file, "$1")
	}
	if !strings.Contains(file, "\nsignup: ") || !strings.Contains(file, "\n  - {user: bob") {
		t.Error("nothing was commented in")
	}
}

func TestFaults(t *testing.T) {
	const good = "profile: vestibule\nbase_url: http://localhost:1\n"
	for file, want := range map[string]string{
		good:                                                        "",
		"profile: vestibule":                                        "base_url is missing",
		"profile: rails":                                            `no profile "rails"`,
		"base_url: http://127.0.0.1":                                "login.path is missing",
		good + "base_urll: x":                                       "base_urll",
		good + "login: {pathh: /x}":                                 "pathh",
		good + "login: {path: x}":                                   "login.path does not begin",
		good + "users: phone":                                       "users is neither",
		good + "logout: {method: PUT}":                              "logout.method",
		good + "signup: {path: ''}":                                 "neither signup.path nor accounts",
		good + "confirm: {by_mail: true}":                           "needs mail.dir",
		good + "limits: {requests: 1000000}":                        "limits.requests",
		good + "accounts: [{user: a}]":                              "one account is not enough",
		"profile: vestibule\nbase_url: ftp://a":                     "not an address",
		"profile: vestibule\nbase_url: http://a:b@c":                "more than a scheme",
		"profile: vestibule\nbase_url: http://shop.example":         "-allow shop.example",
		"profile: vestibule\nbase_url: http://127.0.0.1.evil.test/": "-allow",
		"profile: vestibule\nbase_url: https://allowed.example":     "",
		"profile: vestibule\nbase_url: https://allowed.example\nlimits: {per_second: 0}": "for this machine only",
	} {
		c, err := Load([]byte(file), "")
		if err == nil {
			err = c.Check([]string{"allowed.example"})
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %s", file, err, want)
		}
	}
}
