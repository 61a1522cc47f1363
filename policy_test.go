package auth_test

import (
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/vestibule-go/auth"
)

// fault returns the code of what is wrong with a password at signup, or "".
func fault(t *testing.T, s *site, email, password string) string {
	t.Helper()
	f := &auth.SignupForm{Email: email, Password: password, Confirm: "no"}
	s.m.Signup(t.Context(), f)
	return codeOf(f.Errors)
}

func codeOf(err error) string {
	var faults auth.FormErrors
	errors.As(err, &faults)
	for _, e := range faults {
		if e.Field == "password" {
			return e.Code
		}
	}
	return ""
}

func refused(t *testing.T, s *site, email, password string) bool {
	t.Helper()
	code := fault(t, s, email, password)
	return code == auth.CodeCommon || code == auth.CodeSimilar
}

func TestGuessedPasswords(t *testing.T) {
	s := newSite(t, func(c *auth.Config) {
		c.BaseURL = "https://shop.acme.example"
		c.Passwords.Words = []string{"Acme Widgets"}
	})
	for _, bad := range []string{
		"passwordpassword", "PasswordPassword1", "password1234567890", "p4ssw0rdp4ssw0rd", "Password Password!", "password-2026-password",
		"123456789012345", "987654321098765", "qwertyuiopasdfghjkl", "abcdefghijklmnop", "1qaz2wsx3edc4rfv", "aaaaaaaaaaaaaaaa",
		"abcabcabcabcabcabc", "iloveyouiloveyou", "iloveyouforever", "letmeinletmein1", "administrator123", "sunshineprincess",
		"acmewidgets2026!!!", "acmewidgetsacme", "acmeacmeacmeacme", "johndoejohndoe1", "JohnDoe@example1", "qwertzuiopqwertz",
		"asdfghjklasdfghjkl", "               ", "...............", "qazwsxedcrfvtgb", "Pa$$w0rd12345678", "aabbccddeeffgghh", "112233445566778899",
		"111222333444555", "121212121212121", "147258369147258369", "aaaaaaaabbbbbbbb", "000000000000001", "manchesterunited",
		"mypasswordispassword", "monkey dragon monkey", "hello hello hello", "azertyuiopqsdfgh", "пароль1234567890", "acme password 1",
	} {
		if !refused(t, s, "john.doe@example.com", bad) {
			t.Errorf("%q passes", bad)
		}
	}
	for _, good := range []string{
		password, another, "correct horse battery staple", "acme will never know my goat", "57392058163940275816", "sunshine dragon monkey tango",
		"x7Gh2kQp-9mWz4RtL", "ünser gärten blüht schön", "😀🎻🚂🌵🐙🎲🍋🧦🪁🛶🧭🪀🪗🧩🪤", "my password is a long sentence",
		"8391029384a7264a", "april 83920 48573 92847", "banana bicycle orbit",
	} {
		if refused(t, s, "john.doe@example.com", good) {
			t.Errorf("%q is refused", good)
		}
	}
}

// OWASP ASVS 5.0, 6.2.4: at least 3,000 common passwords that meet the policy.
func TestBlocklistHoldsEnough(t *testing.T) {
	s := newSite(t, nil)
	listed := leakedPasswords(t)
	if len(listed) < 3000 {
		t.Errorf("%d passwords of 15 characters, want 3,000", len(listed))
	}
	for _, bad := range listed {
		if !refused(t, s, ann, bad) || !refused(t, s, ann, strings.ToUpper(bad)+"!") {
			t.Errorf("%q passes", bad)
		}
	}
	words, pairs := commonWords(t), 0
	for _, a := range words {
		for _, b := range words {
			if utf8.RuneCountInString(a+b) < 15 {
				continue
			}
			if pairs++; pairs%10 == 0 && !refused(t, s, ann, a+b) {
				t.Errorf("%q passes", a+b)
			}
		}
	}
	t.Logf("%d leaked passwords and %d pairs of common words of 15 characters", len(listed), pairs)
	if pairs < 3000 {
		t.Errorf("%d pairs of 15 characters, want 3,000", pairs)
	}
}

// leakedPasswords returns those of the list that have at least 15 characters.
func leakedPasswords(t *testing.T) (long []string) {
	t.Helper()
	f, err := os.Open("internal/guess/passwords.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	for w := range strings.FieldsSeq(string(text)) {
		if utf8.RuneCountInString(w) >= 15 {
			long = append(long, w)
		}
	}
	return long
}

func commonWords(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("internal/guess/words.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// Words, dressed up or repeated, are what is tried first.
func TestDressedWords(t *testing.T) {
	s := newSite(t, nil)
	words := commonWords(t)
	for i, a := range words {
		next := words[(i+1)%len(words)]
		for _, dressed := range []string{a + a + a + a, a + "123456789012", a + next + "2026", strings.ToUpper(a) + next + "!!!"} {
			if utf8.RuneCountInString(dressed) >= 15 && !refused(t, s, ann, dressed) {
				t.Errorf("%q passes", dressed)
			}
		}
	}
}

// Wherever a password is chosen the list is consulted.
func TestBlocklistEverywhere(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.signup(ann)
	u, err := s.store.UserByLogin(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	listed := leakedPasswords(t)
	for range 50 {
		bad := listed[rand.IntN(len(listed))]
		if got := fault(t, s, bob, bad); got != auth.CodeCommon {
			t.Errorf("signup with %q: %q", bad, got)
		}
		f := &auth.PasswordForm{Current: password, Password: bad, Confirm: bad}
		if got := codeOf(s.m.ChangePassword(t.Context(), u, f)); got != auth.CodeCommon {
			t.Errorf("change to %q: %q", bad, got)
		}
		if got := codeOf(s.m.SetPassword(t.Context(), u, bad)); got != auth.CodeCommon {
			t.Errorf("setting %q: %q", bad, got)
		}
	}
	after, err := s.store.UserByLogin(t.Context(), ann)
	if err != nil || after.PasswordHash != u.PasswordHash {
		t.Errorf("the password has changed: %v", err)
	}
}

// With a lower MinLength the common passwords of that length count.
func TestShortBlocklist(t *testing.T) {
	s := newSite(t, func(c *auth.Config) { c.Passwords.MinLength = 8 })
	for _, bad := range []string{"trustno1", "Trustno1!", "1q2w3e4r", "whatever", "q1w2e3r4t5", "P@ssw0rd", "charlie1"} {
		if !refused(t, s, ann, bad) {
			t.Errorf("%q passes", bad)
		}
	}
	for _, good := range []string{"kV7?mzq2", "ofen mütze", "tidy ox 47 pie"} {
		if got := fault(t, s, ann, good); got != "" {
			t.Errorf("%q: %s", good, got)
		}
	}
}

// plain are ordinary English words, some of which are common in passwords.
var plain = strings.Fields(`able acid angel anger apple apron arch arrow autumn baby bacon badge baker banana basket beach beard
	beer bell belt berry bicycle bird birth blanket blue boat bone book bottle bounce bread brick bridge broom brown bucket butter button
	cabin cable cactus camel camera candle canyon carpet castle cattle chain chair chalk cheese cherry chess chicken chimney circle
	cliff cloud clover coach coast coffee comet copper cotton cousin cradle crane cream cricket crown curtain daisy dance daughter
	desert diamond dinner doctor dolphin donkey door dragon drawer dream dress drum eagle earth east elbow elephant engine evening
	fabric falcon family farmer feather fence fiddle field finger flame flower flute football forest forever fountain friend frog
	funnel garden garlic gentle giant ginger glass glove goat gold grape grass gravel green guitar hammer handle happy harbor
	harvest hazel heart hedge hello helmet hero hill hockey honey horse hotel house hungry iron island jacket jelly jewel jungle
	kettle king kitchen kite knife ladder lake lamp lantern lazy leaf leather lemon letter library lion lizard lobster lonely love
	lucky lunch machine magic maple marble market master meadow melon metal middle milk mirror monday money monkey moon morning
	mother mountain mouse mud music mustard napkin narrow needle nephew nest night noodle north nurse oak oatmeal ocean office
	olive onion orange orbit orchard otter oven owl paint palace paper parrot pasta peach peanut pebble pencil pepper piano pickle
	picture pigeon pillow pilot pine planet plate plum pocket poem polite pond pony potato powder princess pumpkin purple puzzle
	quarter queen quiet rabbit radio rain raven ribbon rice ring river robin rocket roof rope rose rough saddle sailor salad salt
	sand school scissors sea secret shadow sheep shelf shell ship shoe silence silver singer sister sleep slow smoke snake snow soap
	soccer sofa soldier song soup south spider spoon spring squirrel star station stone storm story street sugar summer sunday
	sunshine super swan sweater table tailor tea teacher temple tennis thunder tiger timber toast tomato tower tractor train tree
	trumpet tulip turkey turtle umbrella uncle valley velvet village violin wagon walnut water weather welcome west whale wheel
	whisper willow window winter wizard wolf wonder wood yellow zebra`)

// NIST SP 800-63B-4, 3.1.1.2: phrases that only contain what is listed pass.
func TestPassphrases(t *testing.T) {
	s := newSite(t, nil)
	tried, no := 0, 0
	for _, n := range []int{4, 5} {
		for _, glue := range []string{" ", "", "-"} {
			for range 2000 {
				var words []string
				for _, i := range rand.Perm(len(plain))[:n] {
					words = append(words, plain[i])
				}
				phrase := strings.Join(words, glue)
				if utf8.RuneCountInString(phrase) < 15 {
					continue
				}
				if tried++; refused(t, s, ann, phrase) {
					no++
					t.Logf("%q is refused", phrase)
				}
			}
		}
	}
	if tried < 11000 || no*1000 > tried {
		t.Errorf("of %d phrases %d are refused", tried, no)
	}
}

// OWASP ASVS 5.0, 6.1.2 and 6.2.11: the site's own words.
func TestContextWords(t *testing.T) {
	s := newSite(t, func(c *auth.Config) {
		c.BaseURL = "https://www.parrots-and-more.example"
		c.Passwords.Words = []string{"acme widgets", "Zeppelin"}
	})
	for _, bad := range []string{
		"acmewidgets2026!!", "Acme Widgets 2026", "2026-acme-widgets", "@cm3 W1dg3ts 1234", "acmewidgetsacmewidgets", "zeppelinzeppelin",
		"zeppelinacmewidgets", "passwordzeppelin1", "parrots-and-more", "ZEPPELIN--123456",
	} {
		if got := fault(t, s, bob, bad); got != auth.CodeCommon {
			t.Errorf("%q: %q", bad, got)
		}
	}
	for _, good := range []string{"acme paid for this goat", "a zeppelin over the meadow", "widgets under velvet moons"} {
		if got := fault(t, s, bob, good); got != "" {
			t.Errorf("%q: %s", good, got)
		}
	}
}

// What is close to the email is no password, and what only mentions it is one.
func TestSimilarToEmail(t *testing.T) {
	s := newSite(t, nil)
	for _, test := range []struct{ email, bad string }{
		{"jonathan.doerr@example.com", "jonathan.doerr@example.com"},
		{"jonathan.doerr@example.com", "Jonathan.Doerr@Example.Com"},
		{"jonathan.doerr@example.com", "jonathandoerrexample"},
		{"jonathan.doerr@example.com", "jonathan.doerr99"},
		{"jonathan.doerr@example.com", "!!jonathan_doerr!!"},
		{"jonathan.doerr@example.com", "j0n4th4n.d03rr.26"},
		{"jonathan.doerr@example.com", "rreod.nahtanoj!"},
		{"jonathan.doerr@example.com", "moc.elpmaxe@rreod.nahtanoj"},
		{"jonathan.doerr@example.com", "jonatan.doer 2026"},
		{"jonathan.doerr@example.com", "jonathandoerrjonathandoerr"},
		{"jonathan.doerr+shop@example.com", "jonathan.doerr 1"},
		{"kim@example.com", "kim@example.com1"},
		{"zoltanka@example.com", "zoltankazoltanka"},
		{"zoltanka@example.com", "zoltanka1zoltanka1"},
	} {
		if got := fault(t, s, test.email, test.bad); got != auth.CodeSimilar {
			t.Errorf("%s, %q: %q", test.email, test.bad, got)
		}
	}
	for _, good := range []string{"jonathan ate nine plums", "doerr windows never rattle", "the letters of a house and no other"} {
		if got := fault(t, s, "jonathan.doerr@example.com", good); got != "" {
			t.Errorf("%q: %s", good, got)
		}
	}
}
