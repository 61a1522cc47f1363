package importer

import (
	"fmt"
	"strings"

	"github.com/vestibule-go/auth/password"
)

// advised are the readers of package password, as an application writes them.
var advised = []struct{ reader, code, note string }{
	{"password.Werkzeug", "password.Werkzeug{}", ""},
	{"password.Django", "password.Django{}", ""},
	{"password.Devise", "password.Devise{}", "if the old application is Rails with config.pepper, Devise{Pepper: …}"},
	{"password.Bcrypt", "password.Bcrypt{}", ""},
	{"password.PHP", "password.PHP{}", ""},
	{"password.PHC", "password.PHC{}", ""},
	{"password.ASPNET", "password.ASPNET{}", ""},
	{"password.Firebase", "password.Firebase{SignerKey: key, SaltSeparator: separator, Rounds: 8, MemCost: 14}", "as your project says"},
}

// Hashes returns how many users need which reader of package password, of those who were or would be imported, now
// or before.
func (p *Plan) Hashes() map[string]int {
	count := map[string]int{}
	for _, r := range p.in(unknown, absent, imported, already) {
		if r.reader != "" {
			count[r.reader]++
		}
	}
	return count
}

// Code returns what the application has to write into auth.Config, for the users counted by Hashes to get in
// with the passwords they have. Empty: nothing.
func Code(hashes map[string]int) string {
	var b strings.Builder
	for _, a := range advised {
		if n := hashes[a.reader]; n > 0 {
			note := users(n)
			if a.note != "" {
				note += "; " + a.note
			}
			fmt.Fprintf(&b, "\t\t%s, // %s\n", a.code, note)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "cfg.Hasher = password.Migrating{\n\tOthers: []password.Verifier{\n" + b.String() + "\t},\n}\n"
}

func users(n int) string {
	if n == 1 {
		return "1 user"
	}
	return fmt.Sprintf("%d users", n)
}

// reader returns which reader a hash needs, if there is one.
func reader(hash string) string {
	v, err := password.Recognize(hash)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%T", v)
}
