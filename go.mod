module github.com/vestibule-go/auth

go 1.26.0

require (
	github.com/alexedwards/scs/v2 v2.9.0
	github.com/justinas/nosurf v1.2.0
	golang.org/x/crypto v0.58.0
	golang.org/x/text v0.43.0
)

require golang.org/x/sys v0.49.0 // indirect
