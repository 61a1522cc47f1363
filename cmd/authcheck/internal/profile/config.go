// Package profile says where in an application its login is, and by which names: what a file of YAML holds.
package profile

import "time"

// Config is a file. An empty path means that the application has no such page; what needs it is skipped.
type Config struct {
	Profile  string            `yaml:"profile"`
	BaseURL  string            `yaml:"base_url"`
	Users    string            `yaml:"users"`  // what people log in with: email or name
	Domain   string            `yaml:"domain"` // of made-up addresses
	Login    Login             `yaml:"login"`
	Signup   Signup            `yaml:"signup"`
	Confirm  Confirm           `yaml:"confirm"`
	Logout   Logout            `yaml:"logout"`
	Private  Private           `yaml:"private"`
	Password Password          `yaml:"password"`
	Sessions Sessions          `yaml:"sessions"`
	Forgot   Forgot            `yaml:"forgot"`
	Reset    Reset             `yaml:"reset"`
	Next     Next              `yaml:"next"`
	CSRF     CSRF              `yaml:"csrf"`
	Cookies  Cookies           `yaml:"cookies"`
	Mail     Mail              `yaml:"mail"`
	HTTPS    bool              `yaml:"https"` // a proxy that ends TLS is pretended
	Headers  map[string]string `yaml:"headers"`
	Accounts []Account         `yaml:"accounts"`
	Guesses  Guesses           `yaml:"guesses"`
	Limits   Limits            `yaml:"limits"`
}

// Login is the form to log in.
type Login struct {
	Path     string            `yaml:"path"`
	User     string            `yaml:"user"`
	Password string            `yaml:"password"`
	Remember string            `yaml:"remember"`
	Fields   map[string]string `yaml:"fields"`
}

// Signup is the form to sign up.
type Signup struct {
	Path     string            `yaml:"path"`
	User     string            `yaml:"user"`
	Email    string            `yaml:"email"`
	Password string            `yaml:"password"`
	Confirm  string            `yaml:"confirm"`
	Fields   map[string]string `yaml:"fields"`
}

// Confirm says what is between signing up and logging in.
type Confirm struct {
	ByMail bool   `yaml:"by_mail"`
	Link   string `yaml:"link"` // is in the address of the link
}

// Logout is how to log out.
type Logout struct {
	Path   string `yaml:"path"`
	Method string `yaml:"method"`
	Page   string `yaml:"page"` // has the form; if empty the private page
}

// Private is a page for those who are logged in.
type Private struct {
	Path   string `yaml:"path"`
	Marker string `yaml:"marker"` // is in it for nobody else
}

// Password is the form to change it.
type Password struct {
	Path     string            `yaml:"path"`
	Current  string            `yaml:"current"`
	Password string            `yaml:"password"`
	Confirm  string            `yaml:"confirm"`
	Fields   map[string]string `yaml:"fields"`
}

// Sessions is the page that lists where one is logged in.
type Sessions struct {
	Path   string `yaml:"path"`
	Revoke string `yaml:"revoke"` // is in the action of a form that ends one
}

// Forgot is the form to ask for a link by which a password is set anew.
type Forgot struct {
	Path string `yaml:"path"`
	User string `yaml:"user"`
}

// Reset is the form to which that link leads.
type Reset struct {
	Password string `yaml:"password"`
	Confirm  string `yaml:"confirm"`
	Link     string `yaml:"link"` // is in the address of the link
}

// Next is the parameter of the login page that says where to go afterwards.
type Next struct {
	Param string `yaml:"param"`
}

// CSRF says where tokens are found. The hidden fields of a form are always carried along.
type CSRF struct {
	Field  string `yaml:"field"`
	Meta   string `yaml:"meta"`
	Header string `yaml:"header"`
}

// Cookies names the cookies that log in, for an application in which that cannot be found out.
type Cookies struct {
	Session []string `yaml:"session"`
}

// Mail is where the application leaves its mails: a directory of .eml files, a maildir, or an mbox.
type Mail struct {
	Dir  string        `yaml:"dir"`
	Wait time.Duration `yaml:"wait"`
}

// Account is one that exists. Its password is in the environment.
type Account struct {
	User        string `yaml:"user"`
	Email       string `yaml:"email"`
	PasswordEnv string `yaml:"password_env"`
}

// Guesses says how many wrong passwords there have to be before the application has to refuse more.
type Guesses struct {
	Tries int `yaml:"tries"`
}

// Limits are those of the checker itself.
type Limits struct {
	Requests  int           `yaml:"requests"`
	PerSecond int           `yaml:"per_second"`
	Timeout   time.Duration `yaml:"timeout"`
}
