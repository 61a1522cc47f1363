module github.com/vestibule-go/auth/email/smtpmail

go 1.26.0

require (
	github.com/emersion/go-sasl v0.0.0-20241020182733-b788ff22d5a6
	github.com/emersion/go-smtp v0.25.1
	github.com/vestibule-go/auth v0.0.0
	github.com/wneessen/go-mail v0.8.1
	golang.org/x/net v0.60.0
)

require (
	github.com/alexedwards/scs/v2 v2.9.0 // indirect
	github.com/justinas/nosurf v1.2.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/vestibule-go/auth => ../..
