package check

import (
	"fmt"
	"strings"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
)

var passwordChecks = []Check{
	{ID: "password-short", ASVS: "6.2.1", Title: "A password of seven characters is refused",
		Why: "Short passwords are guessed, whatever they are made of.",
		Fix: "Ask for 8 characters at the least, better 15.", run: passwordShort},
	{ID: "password-common", ASVS: "6.2.4", Title: "The most common passwords are refused",
		Why: "They are what is tried first, at every account.",
		Fix: "Compare new passwords with a list of the common ones that are long enough for you, 3000 at the least.", run: passwordCommon},
	{ID: "password-long", ASVS: "6.2.9", Title: "A password of 64 characters is taken",
		Why: "Password managers and people with sentences make long ones.",
		Fix: "Allow 64 characters at the least.", run: passwordLong},
	{ID: "password-truncated", ASVS: "6.2.8", Title: "All of a long password counts",
		Why: "bcrypt reads 72 bytes, and what comes after is worth nothing.",
		Fix: "Hash long passwords before bcrypt, or refuse them when they are chosen.", run: passwordTruncated},
	{ID: "password-unicode", ASVS: "NIST SP 800-63B-4 3.1.1.2", Title: "A password of other letters and signs is taken",
		Why: "People think in their own languages.",
		Fix: "Take every character, and count code points.", run: passwordUnicode},
	{ID: "password-space", ASVS: "6.2.8", Title: "Spaces around a password count",
		Why: "Who pastes one with a space at its end cannot log in elsewhere, and guesses are worth more than they should be.",
		Fix: "Do not trim passwords, neither when they are chosen nor when they are checked.", run: passwordSpace},
}

// chosen is a password, put to the test by choosing it: for a new account or, where nobody can sign up, for the one that there is.
type chosen struct {
	account *account
	taken   bool
	answer  *browser.Answer
}

func (t *target) choose(password string) (*chosen, error) {
	if len(t.cfg.Accounts) > 0 || t.cfg.Signup.Path == "" {
		return t.chooseByChange(password)
	}
	a := t.somebody()
	a.password = password
	mark, err := t.mark()
	if err != nil {
		return nil, err
	}
	answer, err := t.sendSignup(t.visitor(), a)
	if err != nil {
		return nil, err
	}
	if t.cfg.Confirm.ByMail && answer.Status < 400 {
		link, err := t.mailedLink(mark, a.email, t.cfg.Confirm.Link)
		if err != nil {
			return &chosen{a, false, answer}, nil // no mail, no account
		}
		if err := t.confirm(link, a); err != nil {
			return nil, err
		}
	}
	in, err := t.canLogin(a)
	return &chosen{a, in, answer}, err
}

func (t *target) chooseByChange(password string) (*chosen, error) {
	a, b, err := t.changing()
	if err != nil {
		return nil, err
	}
	f, err := t.changeForm(b, a, password)
	if err != nil {
		return nil, err
	}
	answer, err := t.send(b, f.request())
	if err != nil {
		return nil, err
	}
	taken, err := t.hasChanged(a, password)
	return &chosen{a, taken, answer}, err
}

// mustRefuse chooses passwords of which each should be refused.
func (t *target) mustRefuse(what string, passwords ...string) (seen []string, err error) {
	for _, p := range passwords {
		c, err := t.choose(p)
		if err != nil {
			return nil, err
		}
		if c.taken {
			seen = append(seen, fmt.Sprintf("%s: %s is taken", see(c.answer), what))
			break
		}
	}
	return seen, nil
}

func passwordShort(t *target) ([]string, error) {
	return t.mustRefuse("a password of 7 characters", "Qz7!kW2")
}

// common are passwords of growing length that are on every list, so that some are long enough for any policy.
var common = []string{"password", "123456789", "qwertyuiop", "password123", "1q2w3e4r5t6y", "Password123!", "1234567890123456", "qwertyuiopasdfgh", "passwordpassword"}

func passwordCommon(t *target) (seen []string, err error) {
	for _, p := range common {
		found, err := t.mustRefuse(fmt.Sprintf("the common password %q", p), p)
		if err != nil {
			return nil, err
		}
		seen = append(seen, found...)
	}
	return seen, nil
}

// mustTake chooses a password that should be taken.
func (t *target) mustTake(what, password string) (*chosen, []string, error) {
	c, err := t.choose(password)
	if err != nil {
		return nil, nil, err
	}
	if !c.taken {
		return nil, []string{fmt.Sprintf("%s: %s is not taken", hint(c.answer), what)}, nil
	}
	return c, nil, nil
}

// long returns a password of 80 characters.
func long() string {
	return strings.Join([]string{newPassword(), newPassword(), newPassword()}, "")[:80]
}

func passwordLong(t *target) ([]string, error) {
	_, seen, err := t.mustTake("a password of 64 characters", long()[:64])
	return seen, err
}

// mustNotBe reports which of these other passwords log in as well.
func (t *target) mustNotBe(c *chosen, others map[string]string) (seen []string, err error) {
	for _, how := range sortedKeys(others) {
		in, _, err := t.try(t.visitor(), c.account.user, others[how])
		if err != nil {
			return nil, err
		}
		if in {
			seen = append(seen, fmt.Sprintf("POST %s: %s logs in", t.cfg.Login.Path, how))
		}
	}
	return seen, nil
}

func passwordTruncated(t *target) ([]string, error) {
	p := long()
	c, seen, err := t.mustTake("a password of 80 characters", p)
	if err != nil {
		return nil, err
	}
	if len(seen) > 0 {
		return nil, notHere("a password of 80 characters is not taken, so that none can be cut (see password-long)")
	}
	return t.mustNotBe(c, map[string]string{
		"of 80 characters, the first 72":                   p[:72],
		"of 80 characters, all but the last":               p[:79],
		"of 80 characters, the first 72 and others":        p[:72] + "OTHERS99",
		"of 80 characters, all of them in the other case,": strings.ToLower(p),
	})
}

func passwordUnicode(t *target) ([]string, error) {
	tail := newPassword()
	c, seen, err := t.mustTake("a password with Cyrillic letters, umlauts and an emoji", "Пароль für größere Ütopien 🎉 "+tail)
	if err != nil || len(seen) > 0 {
		return seen, err
	}
	return t.mustNotBe(c, map[string]string{
		"another password of as many Cyrillic letters, umlauts and emoji": "Молоко fär grüäere Ötopien 🎈 " + tail,
		"a password with question marks for all that is not ASCII":        "?????? f?r gr??ere ?topien ? " + tail,
	})
}

func passwordSpace(t *target) ([]string, error) {
	p := "  " + newPassword() + " inner  "
	c, seen, err := t.mustTake("a password that begins and ends with spaces", p)
	if err != nil || len(seen) > 0 {
		return seen, err
	}
	return t.mustNotBe(c, map[string]string{
		"a password without the spaces around it":        strings.TrimSpace(p),
		"a password without the spaces at its beginning": strings.TrimLeft(p, " "),
		"a password without the spaces at its end":       strings.TrimRight(p, " "),
		"a password without any of its spaces":           strings.ReplaceAll(p, " ", ""),
	})
}
