// Package email signs users up, confirms their addresses and replaces forgotten passwords, by
// links in mails, and tells nobody who has an account.
//
//	m, err := auth.New(store, &auth.Config{BaseURL: base, Hooks: []auth.Hooks{email.Hooks(0)}})
//	…
//	links, err := email.New(m, store, &email.Config{Mailer: mailer, SiteName: "The Shop"})
//	…
//	defer links.Close(ctx)
//
// [Hooks] keeps out who has not confirmed. A page calls [Links.Signup] in the place of
// Manager.Signup, and [Links.Forgot] and [Links.SendConfirmation] for whoever asks; the pages that
// the links lead to call [Links.Confirm] and [Links.Reset]. A page for administrators calls Forgot
// for the user's address: they start a reset, and never choose a password (OWASP ASVS 5.0, 6.4.6).
//
// # The same for everyone
//
// Signup, Forgot and SendConfirmation answer the same whether or not the address has an account,
// and cost the same: the same calls of the store, one of which stores a link that nobody gets, the
// same hashes, the same limits. What differs is in the mail, and the mail is sent in the
// background. A mail server that is slow or down changes neither answers nor times.
//
// # Links
//
// A token is 256 random bits, of which the store has the SHA-256. It is good for one purpose, one
// user, one use and a limited time, and only as long as the user's email, stamp and confirmation
// are what they were: a new password, a new address, a used link or ended sessions end all links
// from before. Asking again does not, so that nobody can keep a user's link from working. Links
// begin with BaseURL, whatever the request says about hosts.
//
// Programs that look at mails open links, too. So the page that a link leads to must change
// nothing, show a form, and send the token on by POST. It should say "Referrer-Policy:
// no-referrer", or move the token out of the address at once.
//
// # Somebody else's address
//
// Whoever signs up with an address that is not theirs gains nothing. The link goes to its reader,
// who cannot confirm without the password that they never chose. When the reader signs up, or asks
// for a new password, they get a link by which they choose one; it ends every session and link from
// before.
package email
