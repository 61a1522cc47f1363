// Package password has hashers beside auth.Bcrypt, readers of the hashes that
// users bring along from other frameworks, and [Range], which asks a service whether a
// password has leaked.
//
// [Argon2id] and [Pepper] go into auth.Config.Hasher as they are. [Migrating] puts
// one of them before the readers of hashes from elsewhere:
//
//	cfg.Hasher = password.Migrating{
//		Preferred: password.Argon2id{},
//		Others:    []password.Verifier{password.Django{}, password.Werkzeug{}},
//	}
//
// Copy the old hashes into User.PasswordHash as they are (those of Firebase after one
// step). At their next login the users' hashes are replaced by Preferred's, once, and
// no session ends. The guide is docs/passwords.md.
//
// # Formats
//
//	reader      hash                                        made by
//	Werkzeug    scrypt:32768:8:1$…                          werkzeug, Flask
//	            pbkdf2:sha256:1000000$…                     (sha1, sha256, sha512)
//	Django      pbkdf2_sha256$600000$…                      Django, its default; pbkdf2_sha1
//	            argon2$argon2id$v=19$…                      Argon2PasswordHasher
//	            bcrypt_sha256$$2b$12$…, bcrypt$$2b$12$…     BCryptSHA256PasswordHasher, BCryptPasswordHasher
//	            scrypt$16384$…                              ScryptPasswordHasher
//	Bcrypt      $2a$12$…, $hmac-sha384$2a$12$…              auth.Bcrypt, the default Hasher
//	Devise      $2a$12$…, $2b$12$…                          Devise, has_secure_password, most uses of bcrypt
//	PHP         $2y$10$…                                    password_hash of PHP, Laravel
//	PHC         $argon2id$v=19$…, $argon2i$v=19$…           password_hash of PHP, argon2-cffi, passlib
//	            $scrypt$ln=16,r=8,p=1$…                     passlib
//	ASPNET      AQAAAA…                                     ASP.NET Core Identity, format 3
//	Firebase    $firebase$SALT$HASH                         Firebase Authentication
//
// # Passwords as they are typed
//
// The hashers of this package, as auth.Bcrypt, compare passwords in Unicode
// normalization form C. The libraries above hash the bytes that they get, so
// the readers compare the bytes that are typed, and nothing else is tried. Browsers
// send composed characters nearly always; who once chose a password with decomposed
// ones gets in with the same keys on the same device, and from then on with either.
//
// # Hostile hashes
//
// A hash says itself how much work it takes. A reader checks that, the length of
// its salt and of its key against limits before it computes anything, and returns
// ErrTooCostly or ErrMalformed. The limits: bcrypt of cost 15, 5,000,000 iterations of PBKDF2, 256
// MiB and as much work as N=2^18 with r=8 for scrypt, and 256 MiB, 64 passes, 16 lanes and 1 GiB times passes for
// Argon2; salts of 4 to 128 bytes, keys of 16 to 64, strings of up to 512.
//
// # Errors
//
// Compare those of hashers and readers with errors.Is: [ErrMalformed], [ErrTooCostly], [ErrUnknownKey]. The
// Manager logs them, and lets nobody in. None holds anything of a password or a hash but numbers.
package password
