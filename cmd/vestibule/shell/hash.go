package shell

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// scheme is what a hash says of how it was made. It holds nothing of the hash itself.
type scheme struct {
	name string // "bcrypt", or "" if it is none that we know
	cost string // such as "12"
	weak string // why a copy of the database would soon be guessed; or ""
}

func (s scheme) String() string {
	if s.name == "" {
		return "unknown scheme"
	}
	return strings.TrimSpace(s.name + " " + s.cost)
}

const compromisedMark = "compromised:" // of package auth

var pepper = regexp.MustCompile(`^\$pepper\$[a-z0-9]{1,16}\$`)

// schemeOf reads the beginning of a hash.
func schemeOf(hash string) scheme {
	hash = strings.TrimPrefix(hash, compromisedMark)
	if prefix := pepper.FindString(hash); prefix != "" {
		inner := schemeOf(hash[len(prefix):])
		inner.name = strings.TrimSpace("pepper, " + inner.String())
		inner.cost = ""
		return inner
	}
	for _, s := range schemes {
		if m := s.form.FindStringSubmatch(hash); m != nil {
			return s.read(m)
		}
	}
	return scheme{}
}

// schemes are those that packages auth and password read. The least numbers are those of OWASP's Password Storage Cheat
// Sheet and, for bcrypt, of its ASVS 5.0, appendix C.
var schemes = []struct {
	form *regexp.Regexp
	read func(m []string) scheme
}{
	{regexp.MustCompile(`^(?:\$hmac-sha384|bcrypt_sha256\$|bcrypt\$)?\$2[abxy]\$(\d\d)\$`), func(m []string) scheme {
		return scheme{"bcrypt", m[1], below(number(m[1]), 10, "cost")}
	}},
	{regexp.MustCompile(`^(?:argon2)?\$(argon2id?)\$v=\d+\$m=(\d+),t=(\d+),p=(\d+)`), func(m []string) scheme {
		memory, passes := number(m[2]), number(m[3])
		return scheme{m[1], fmt.Sprintf("m=%d t=%d p=%s", memory, passes, m[4]), below(memory, argonMemory(passes), "memory in KiB")}
	}},
	{regexp.MustCompile(`^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)`), func(m []string) scheme {
		return scryptScheme(1<<min(number(m[1]), 40), number(m[2]), number(m[3]))
	}},
	{regexp.MustCompile(`^scrypt:(\d+):(\d+):(\d+)\$`), func(m []string) scheme {
		return scryptScheme(number(m[1]), number(m[2]), number(m[3]))
	}},
	{regexp.MustCompile(`^scrypt\$(\d+)\$[^$]*\$(\d+)\$(\d+)\$`), func(m []string) scheme {
		return scryptScheme(number(m[1]), number(m[2]), number(m[3]))
	}},
	{regexp.MustCompile(`^pbkdf2:(sha1|sha256|sha512):(\d+)\$`), pbkdf2Scheme},
	{regexp.MustCompile(`^pbkdf2_(sha1|sha256|sha512)\$(\d+)\$`), pbkdf2Scheme},
	{regexp.MustCompile(`^AQAAAA`), func([]string) scheme { return scheme{name: "aspnet"} }},
	{regexp.MustCompile(`^\$firebase\$`), func([]string) scheme { return scheme{name: "firebase"} }},
}

func scryptScheme(n, r, p int) scheme {
	return scheme{"scrypt", fmt.Sprintf("n=%d r=%d p=%d", n, r, p), below(n*r*p, 1<<13*8*10, "n times r times p")}
}

var pbkdf2Rounds = map[string]int{"sha1": 1_300_000, "sha256": 600_000, "sha512": 210_000}

func pbkdf2Scheme(m []string) scheme {
	return scheme{"pbkdf2-" + m[1], m[2], below(number(m[2]), pbkdf2Rounds[m[1]], "rounds")}
}

// argonMemory is what OWASP asks for with so many passes, in KiB.
func argonMemory(passes int) int {
	switch passes {
	case 0, 1:
		return 46 << 10
	case 2:
		return 19 << 10
	case 3:
		return 12 << 10
	case 4:
		return 9 << 10
	}
	return 7 << 10
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func below(n, least int, what string) string {
	if n >= least {
		return ""
	}
	return fmt.Sprintf("%s %d, less than %d", what, n, least)
}
