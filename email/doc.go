// Package email signs users up, confirms their addresses, changes them and replaces forgotten passwords, by
// links in mails, and tells nobody who has an account. It tells users by mail what was done to theirs.
//
//	mailer, err := email.NewDir("mails", "The Shop <noreply@shop.example>")
//	…
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
// Signup, Forgot, SendConfirmation and SendChange answer the same whether or not the address has an account,
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
// # Another address
//
// A user who is logged in asks for another address by [Links.SendChange]. It takes the place of the old one when
// [Links.Confirm] gets the token that was sent there, and the account's password: the token shows that the reader
// has the mail, and the password that the account is theirs. What a thief of a session asked for ends with the
// next password, as every link does.
//
// # Notices
//
// Who has stolen a password or a session changes what keeps the owner out: the password, the address. So
// [Links.ChangePassword], [Links.DeleteAccount], Reset and Confirm tell the user, at the address that was theirs
// before (OWASP ASVS 5.0, 6.3.7). Use them in the place of the Manager's; [Links.Notify] is for what else
// an application changes. Config.Contact says whom the user can turn to.
//
// # Words
//
// The texts are those of package lang, in the language of the context (lang.NewContext). Every mail is text and HTML
// that says the same, and has nothing in it that is loaded from elsewhere. Config.Write replaces all of that.
//
// [Dir] writes mails as files, for development. A [Mailer] that sends them is one method.
//
// # Somebody else's address
//
// Whoever signs up with an address that is not theirs gains nothing. The link goes to its reader,
// who cannot confirm without the password that they never chose. When the reader signs up, or asks
// for a new password, they get a link by which they choose one; it ends every session and link from
// before.
package email
