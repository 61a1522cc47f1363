// Package auth lets people sign up for, and log in to, net/http applications.
//
// It is what Flask-Login, Flask-WTF and werkzeug.security together are to Flask:
// accounts, password hashes, forms that say what is wrong with them, sessions, and
// middleware that knows the current user. It is built on bcrypt, scs and
// nosurf, and closes what each of them leaves open.
//
// # Quick start
//
//	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost:8080"})
//	if err != nil {
//		log.Fatal(err)
//	}
//	http.Handle("/", pages.Handler(m)) // /signup, /login, /logout, ...
//	http.Handle("GET /{$}", m.RequireLogin(http.HandlerFunc(home)))
//	log.Fatal(http.ListenAndServe("localhost:8080", m.Handler(http.DefaultServeMux)))
//
// and in any handler:
//
//	user := auth.CurrentUser(r.Context()) // nil if nobody is logged in
//
// Pages of your own call [ParseSignup] and [Manager.Signup], [ParseLogin] and
// [Manager.Authenticate], then [Manager.Login] and [Manager.Redirect]; each form
// carries [CSRFToken] in a field "csrf_token", which is asked for before anything is
// written, WriteHeader included. The first example below is a whole application.
//
// # Stores
//
// A [Store] keeps three things: users, sessions, and credentials, which is everything else
// that lets someone act as a user. Package memstore keeps them in memory, package
// sqlstore in a database, and package storetest tells whether one of your own is
// right. [Stores] puts together three different ones, such as your own table of
// users and our tables for the rest.
//
// # Sessions
//
// A session is a row in the store, found by the hash of a random token in a
// cookie; there is no secret key. It ends by [Manager.Logout], after its lifetime
// or an idle time, when the user's credentials change, and when the user is disabled or
// deleted, and then nothing brings it back: no copied cookie, no request that
// was under way. A request with a session costs one query, which brings the user, too;
// one without costs none.
//
// A session remembers by which factors the user proved who they are, and when;
// [Manager.RequireFresh] asks for nothing else. A second factor joins by
// [Hooks].Login. Values of the application's own are kept by [SetSessionValue].
//
// # Errors
//
// Compare with [errors.Is]. [Status] makes an HTTP status of an error. Only
// [FormErrors] have a text for visitors; what went wrong inside is in the log.
// When a part fails nobody is logged in.
//
// # Security
//
// The defaults follow NIST SP 800-63B-4 and OWASP ASVS 5.0; docs/security.md lists
// row by row what is met, by which test, and what is left to the application: above all
// TLS, and Config.TrustedProxies if there is a proxy: limits on guesses go by the client's address.
//
// # Compatibility
//
// Before version 1 a minor version may change the API; CHANGELOG.md says how to
// follow. Stored data, hashes and the schema stay readable from the first version on.
package auth
