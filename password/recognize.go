package password

import "fmt"

// recognized are the readers of this package that [Recognize] asks, in this order. Devise stands
// before Bcrypt: both read "$2a$", and Devise reads the rest of what most uses of bcrypt write.
var recognized = []interface {
	Verifier
	parse(hash string) (matcher, error)
}{Werkzeug{}, Django{}, Devise{}, Bcrypt{}, PHP{}, PHC{}, ASPNET{}}

// Recognize returns the reader of this package for a hash, so that an import can refuse what nobody could
// log in with, and tell which readers belong into [Migrating.Others]. It derives no key, and takes
// microseconds.
//
// The reader is a zero value: whether a [Devise] needs its pepper cannot be seen from a hash, and a
// [Firebase] always needs the parameters of its project. What begins with "$2a$" is Devise's, also if
// [auth.Bcrypt] wrote it. No reader has the hashes of a [Pepper].
//
// The error is [ErrMalformed] or [ErrTooCostly], as Verify would return it; its text holds nothing of the hash
// but numbers. Recognize is safe for concurrent use.
func Recognize(hash string) (Verifier, error) {
	for _, r := range recognized {
		if r.Reads(hash) {
			if _, err := read(hash, r.parse); err != nil {
				return nil, err
			}
			return r, nil
		}
	}
	if r := (Firebase{}); r.Reads(hash) {
		_, err := read(hash, func(hash string) (matcher, error) {
			_, _, err := r.fields(hash)
			return nil, err
		})
		if err != nil {
			return nil, err
		}
		return r, nil
	}
	return nil, fmt.Errorf("%w: no form that a reader knows", ErrMalformed)
}
