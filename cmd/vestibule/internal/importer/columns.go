package importer

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// usual are the names by which a column is found for what it holds: lower case, without "_", "-" and spaces. The
// first that a source has counts.
var usual = map[string][]string{
	"email":     {"email", "emailaddress", "mail"},
	"hash":      {"passwordhash", "hash", "encryptedpassword", "passworddigest", "hashedpassword", "pwhash", "password"},
	"id":        {"id", "userid", "uid"},
	"created":   {"created", "createdat", "createdon", "datejoined", "joined", "joinedat", "registeredon", "registeredat", "insertedat"},
	"confirmed": {"confirmed", "confirmedat", "confirmedon", "emailconfirmedat", "emailconfirmed", "emailverifiedat", "emailverified", "verified", "isverified", "isconfirmed"},
	"disabled":  {"disabled", "disabledat", "isdisabled", "blocked", "isblocked", "banned"},
	"active":    {"active", "isactive", "enabled"},
}

// Roles returns what a column can hold, in the order of their names.
func Roles() []string { return slices.Sorted(maps.Keys(usual)) }

func plain(name string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(name))
}

// columns says where a record has what.
type columns map[string]int

// of returns the value for a role, and whether the record has one.
func (c columns) of(role string, values []string) (string, bool) {
	i, ok := c[role]
	if !ok {
		return "", false
	}
	return values[i], true
}

// choose finds the columns among names. What o names must be there; what is usual may be.
func choose(names []string, o Options) (columns, error) {
	chosen := columns{}
	for _, role := range Roles() {
		i, err := find(names, o.Columns[role], usual[role])
		if err != nil {
			return nil, err
		}
		if i >= 0 {
			chosen[role] = i
		}
	}
	return chosen, chosen.complete(names, o)
}

// find returns the index of the column called name or, without a name, of the first usual one; -1: there is none.
func find(names []string, name string, usually []string) (int, error) {
	switch {
	case name == "-":
		return -1, nil
	case name != "":
		i := slices.Index(names, name)
		if i < 0 {
			return -1, lineError(fmt.Sprintf("there is no column %q; there are: %s", name, list(names)))
		}
		return i, twice(names, i, func(n string) bool { return n == name })
	}
	for _, u := range usually {
		is := func(n string) bool { return plain(n) == u }
		if i := slices.IndexFunc(names, is); i >= 0 {
			return i, twice(names, i, is)
		}
	}
	return -1, nil
}

// twice refuses a column that is there more than once: nobody can tell which one counts.
func twice(names []string, i int, is func(string) bool) error {
	if j := slices.IndexFunc(names[i+1:], is); j >= 0 {
		return lineError(fmt.Sprintf("two columns could be meant: %s and %s", printable(names[i]), printable(names[i+1+j])))
	}
	return nil
}

// complete says which columns are missing.
func (c columns) complete(names []string, o Options) error {
	needed := []string{"email"}
	if o.Columns["hash"] != "-" {
		needed = append(needed, "hash")
	}
	if o.KeepIDs || o.NeedIDs {
		needed = append(needed, "id")
	}
	for _, role := range needed {
		if _, ok := c[role]; !ok {
			return lineError(fmt.Sprintf("no column holds the %s; there are: %s", role, list(names)))
		}
	}
	return nil
}

var fit = regexp.MustCompile(`^[\pL_][\pL\pN_ .-]{0,39}$`)

// printable returns the name of a column, unless it does not look like one: it may be a password.
func printable(name string) string {
	if fit.MatchString(name) {
		return name
	}
	return "(not printed)"
}

// list returns the names of columns, if all look like names. Otherwise it is data.
func list(names []string) string {
	if slices.ContainsFunc(names, func(n string) bool { return n != "" && !fit.MatchString(n) }) {
		return "(not printed, for they look like data; is the header missing?)"
	}
	return strings.Join(names, ", ")
}
