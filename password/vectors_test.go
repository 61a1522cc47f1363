package password_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/vestibule-go/auth/password"
)

// The passwords of the vectors.
const (
	plain      = "window tractor ocean violin"
	script     = "пароль café 密碼 😀"                // 28 characters of one to four bytes, composed
	decomposed = "cafe\u0301 window tractor ocean" // not in normalization form C
)

var long = strings.Repeat("ten bytes ", 10)

// oldPepper is config.pepper in the vectors of Devise.
const oldPepper = "a pepper of the old application"

// project has the password hash parameters that Google publishes with its own
// test vector, in the README of github.com/firebase/scrypt.
func project(t testing.TB) password.Firebase {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString("jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==")
	if err != nil {
		t.Fatal(err)
	}
	return password.Firebase{SignerKey: key, SaltSeparator: []byte{7}, Rounds: 8, MemCost: 14}
}

// vector is a hash, and who made it of what.
type vector struct{ password, hash string }

// vectors of one call of one library.
type vectors struct {
	made   string
	reader password.Verifier
	hashes []vector
}

// libraries returns hashes that were made by the libraries themselves, with these
// versions and calls, p being the password. Only those of ASP.NET beyond Microsoft's own
// were not, since nothing of .NET was at hand: see there.
func libraries(t testing.TB) []vectors {
	return []vectors{
		{"werkzeug 3.1.3, Python 3.11: werkzeug.security.generate_password_hash(p)", password.Werkzeug{}, []vector{
			{plain, "scrypt:32768:8:1$CPKEFOy4vHe7If9E$919e2d3a77456d981ec15b1f7228851eb34047d338c120dcc461548ea061ddf72c98254258d59558145897657f9947f751ad03bb116986f0c7cc6a1f5f17578c"},
			{script, "scrypt:32768:8:1$c0qjJNSyQtFXWews$0f981351dcf5c68e7a193e1e7acf623694de8b711eeb2076a692279adc8fc0e993e237904455bc9a3983311c786577774f6e3543a4bd58e623fc252f66f1cf39"},
			{decomposed, "scrypt:32768:8:1$uivuCySli2E1yeCl$7366c978d30a58afafdbf9f4e0633704c7abbaae5fd6e84460fea7e5ec0c51f3763fec01c45438eb2825d891d1b0c2098059c0e5736d2620042730cb802e718b"},
			{long, "scrypt:32768:8:1$wggsxQlPGYwyIgs4$14efee565b78efa7234a00533b0f55691dc2b60aac14ae49d15bb770cef75fb476b4354d47c05567f5236f0782ed711d95a50e22f9d28da9573f3bbe50924b58"},
		}},
		{"the same: generate_password_hash(p, 'scrypt:16384:8:2', salt_length=24)", password.Werkzeug{}, []vector{
			{plain, "scrypt:16384:8:2$a21EJFWk1z11QRuHs2XjCBqY$74e0c55d234b1963d37a5cace42e9ee1bc7253fe2d5e12f81f5288232569ae98cb090d7782491866ab8a6358efe9a83282ee56b1548d1baea7bf52a277807821"},
		}},
		{"the same: generate_password_hash(p, 'pbkdf2')", password.Werkzeug{}, []vector{
			{script, "pbkdf2:sha256:1000000$N6YOuuCkjVOwIHq2$70fc6dfefb195cc9f49857999604f0d4395467b8c9a0abdf36689db925eeb5ba"},
		}},
		{"the same: generate_password_hash(p, 'pbkdf2:sha512:210000')", password.Werkzeug{}, []vector{
			{long, "pbkdf2:sha512:210000$eplC2buzj0pVB6IA$f0c249e22dcc18cd123534e1fec53ed079d0101c62e9cc223c0048178bc8fc674dddbde7209654f74437545484137b9a40beda0d253ac59040251f27e454fd1e"},
		}},
		{"the same: generate_password_hash(p, 'pbkdf2:sha1:1000', salt_length=8), once the default", password.Werkzeug{}, []vector{
			{plain, "pbkdf2:sha1:1000$ARaKG1cq$e002348a431b7da071881f109f645b7ec53e2a94"},
			{script, "pbkdf2:sha1:1000$8OJOBpBL$46ffd3590e5f7a436712154184559fd92059be71"},
			{decomposed, "pbkdf2:sha1:1000$aMQCfozP$2ae302c57c878e7749785bf7a3b6b086c0d2eec3"},
			{long, "pbkdf2:sha1:1000$k85iKAyA$b41b86cd1eda8f7431ca7987409d01a3ecb9a4b7"},
		}},

		{"Django 4.2.28, Python 3.11: django.contrib.auth.hashers.make_password(p, hasher='pbkdf2_sha256')", password.Django{}, []vector{
			{plain, "pbkdf2_sha256$600000$zsbqwDbBtU4tCGl0jeWZ3K$3vZ/5rUhKVjdxLQRIING/7bCFXb51o8CVcsNriTm6aM="},
			{script, "pbkdf2_sha256$600000$JXgfKUE7i09keibiodK7T1$o7J+7cfRuBLwDmjz6cXwXNP0bVe2KOH5aCh+zeqyCiA="},
			{decomposed, "pbkdf2_sha256$600000$2o7Idzi5U5KWnCkGstZ5DL$RSiiENh7dg7ZHqT4rubogKA+QiK07dLravHUN8pCsjE="},
			{long, "pbkdf2_sha256$600000$VIMgIT5xWcLtpupilZVuNa$bcUttibOYh7wP/EGFnzvclEwYXyRjQ6Z2AZgmydXNlk="},
		}},
		{"the same, hasher='pbkdf2_sha1'", password.Django{}, []vector{
			{script, "pbkdf2_sha1$600000$c3GmwyMNvarvRUn3fbzgO3$vz+XnZ4fvBoyZQrZ7eyJsuGQqS8="},
		}},
		{"the same, hasher='argon2', with argon2-cffi 21.1.0", password.Django{}, []vector{
			{script, "argon2$argon2id$v=19$m=102400,t=2,p=8$Z1VEMUFJWkpaVGRDb0UzNEJVaFJnUg$PBO8gwrfM2+srR7/Yh0mAw"},
			{long, "argon2$argon2id$v=19$m=102400,t=2,p=8$aEdqMTV2bXNvcXdPWDdIM1FvcUI2Tw$HR9bi4/sdI+UWO9V6ybSaQ"},
		}},
		{"the same, hasher='bcrypt_sha256', with bcrypt 3.2.2", password.Django{}, []vector{
			{plain, "bcrypt_sha256$$2b$12$IpgcPbe35r85NUS2mQ3SwutiB8OW9zFSiR.pVkCrLpF3edtb6n8wS"},
		}},
		{"the same, hasher='bcrypt_sha256', with BCryptSHA256PasswordHasher.rounds = 5", password.Django{}, []vector{
			{script, "bcrypt_sha256$$2b$05$5VlQiWiEt4lQIirobAuIVO3dhtNYM/IsRlZsRDNMu5U1Zwudx.4la"},
			{decomposed, "bcrypt_sha256$$2b$05$/s/sOYDTSrfOydGrTB4OFOPLmNQtIZuThvsjrhUUip2RuDWcHPYdS"},
			{long, "bcrypt_sha256$$2b$05$nHpgkdzaqLNmfCW75ub9gO6QgFvOWwHYwddDEDtMm/bg7aYI19tr6"},
		}},
		{"the same, hasher='bcrypt', with rounds = 5", password.Django{}, []vector{
			{script, "bcrypt$$2b$05$2VGkva4ZxoaiZDzMeG7/9uG3mdiP9oPvrbK.T36DttVjhE/J3nTzi"},
			{decomposed, "bcrypt$$2b$05$/W9f8Y.SNr0BPDXEGauctu5F0d11/YdOaHUoIw1bMc2Da/9ntFCHC"},
			{long, "bcrypt$$2b$05$IGi4f7fHbKJPLVkDPbD4Te5PAIYyP/kkgM.3BmRZPF3UoZTLzzETe"},
		}},
		{"the same, hasher='scrypt'", password.Django{}, []vector{
			{script, "scrypt$16384$UgYhgx8mK9ngsuSjFGA5Cl$8$1$AlAgfzfWDmara0WpsBiS0fhdgRs6ulBLN2IEaOEp1KHPy4ZfUaRhyOzZFxuEcY7Fq0bCkQ5TwyyWU+YXzVGQYg=="},
			{long, "scrypt$16384$s5ezVs6xlRV7OmejqXmfEb$8$1$0UeKdL6rWLhCrhhmK8ii6J2V/PkzB88IiGPUPRoFreZGuY/FlBuytEtwk+jj/eUqM6xDsKKxm9SOnCsXpnRAmw=="},
		}},

		{"Devise 4.8.1, bcrypt-ruby 3.1.18, Ruby 3.1: Devise::Encryptor.digest(klass, p), stretches 12, no pepper", password.Devise{}, []vector{
			{plain, "$2a$12$EdSNuDV1otB8cPVYj7ioW.E1L57lpO6FkeuQAXe7pnbgUhm00RC1a"},
		}},
		{"the same, stretches 5", password.Devise{}, []vector{
			{script, "$2a$05$1yhkJ.Jo8zS1a3WWw6XRa.ZGg4Z.pPtTO8ODkTAj/Zv9tH/AWo/kG"},
			{decomposed, "$2a$05$yA7E3aB.1zqMXTXG2s/K7OgESSa9ezNw/jKIy4/GNLy3nSNLzXwGi"},
			{long, "$2a$05$TTR4wiWCmn4N0F.YbYhlw.ioE9xIGnJQXLy3nkIBIiaAaeLdDnmUy"},
		}},
		{"the same, stretches 12, pepper oldPepper", password.Devise{Pepper: oldPepper}, []vector{
			{plain, "$2a$12$JXIlTLNYcoJm4vZQ3FTsxuAwygpcfIrMp8fvTklQNbQZQABGAtwC2"},
		}},
		{"the same, stretches 5, pepper oldPepper", password.Devise{Pepper: oldPepper}, []vector{
			{script, "$2a$05$xhxxBOdSVzhzC3isWAXhWeIPdkwa4JoMYdlHEXxf0rxWEoxoDIBTy"},
			{decomposed, "$2a$05$qhI1SlDCrUozFc1kW6sAGOalmLYrl7suSTaQFBV/VwRkqKStmB0J."},
			{long, "$2a$05$OfYo6yD0KyGGO8FUgNE9A.uRTrXnVZ98BYatCzjXmMMP/Lzpi9Zle"},
		}},
		{"bcrypt-ruby 3.1.18: BCrypt::Password.create(p, cost: 12), as has_secure_password calls it", password.Devise{}, []vector{
			{plain, "$2a$12$iAgRbOD6wgtmPAu3rvtL8.iTQYChInmXaA9tpyKi1bRyryUj/.Xh."},
		}},

		{"PHP 8.2.36: password_hash(p, PASSWORD_BCRYPT)", password.PHP{}, []vector{
			{plain, "$2y$10$MwV6DgM5Yu8mXzosSxJ70.KbxJ9TLMy8RCw53ao9NVhZeHkqCwFpK"},
		}},
		{"PHP 8.2.36: password_hash(p, PASSWORD_BCRYPT, ['cost' => 12]), the cost of Laravel", password.PHP{}, []vector{
			{script, "$2y$12$jF2apcyViKZO9AwM7sIxnOyWLiUxErmMvqKHGGWuJ4iHsB0tK3UTm"},
		}},
		{"PHP 8.2.36: password_hash(p, PASSWORD_BCRYPT, ['cost' => 5])", password.PHP{}, []vector{
			{script, "$2y$05$gWpOJKixCG4Kzn.cvywBu.laa1Ti5zFeQnnji3x/BQOHDRJaGcCDe"},
			{decomposed, "$2y$05$I09a72iLF.LrRJKLq5JlL.OLUVLjD07RBdVfUTdR8gj8k2FtScnBa"},
			{long, "$2y$05$8LALeP2Obn7pgTi.WAyiqeJN1i0mN7hGzLcFQdBys0exbRkyE1wAe"},
		}},
		{"PHP 8.2.36: password_hash(p, PASSWORD_ARGON2ID)", password.PHC{}, []vector{
			{script, "$argon2id$v=19$m=65536,t=4,p=1$dWd3N3plTkRXRUFHSktjbA$ps3hp2sNKqZKf+74O5bCrj54AOnW4FekQ0iKZUAvIYk"},
			{decomposed, "$argon2id$v=19$m=65536,t=4,p=1$c3RMRG0xVUhWN2RObzJtWg$IqY/TfJ2ICDwZI17fGCcAEsFskwHnnTMubPNijDHqNg"},
			{long, "$argon2id$v=19$m=65536,t=4,p=1$cVEzZHAyQWN5c0RDZDdzdw$+STZ3BjQe8t+Icyipw3wwFB5dp7cIrhjyyK0EWkFmxY"},
		}},
		{"PHP 8.2.36: password_hash(p, PASSWORD_ARGON2I)", password.PHC{}, []vector{
			{script, "$argon2i$v=19$m=65536,t=4,p=1$WmxyWUxmeWp1QnllNkNmcg$DpsyuIvna7FsHfOtWKqE5xJg7bZ4tAUFm+rkKNx9aQ8"},
		}},
		{"argon2-cffi 21.1.0, Python 3.11: PasswordHasher().hash(p)", password.PHC{}, []vector{
			{script, "$argon2id$v=19$m=102400,t=2,p=8$YH+pLWNddncLUlFDhs83IQ$dzyWazaJ9d9a59BwWDB6IA"},
		}},
		{"the same: PasswordHasher(time_cost=3, memory_cost=4096, parallelism=2, hash_len=24, type=Type.I).hash(p)", password.PHC{}, []vector{
			{plain, "$argon2i$v=19$m=4096,t=3,p=2$In6NL4bTtNDnHWL7SC48EQ$kquJjkbKo1al6IYzYvBI+hqy94wBcjZv"},
		}},
		{"passlib 1.7.4, Python 3.11: passlib.hash.scrypt.hash(p)", password.PHC{}, []vector{
			{script, "$scrypt$ln=16,r=8,p=1$ulfKGeM8h7BWihHCOKf0/g$auJOj90U7ABCx9NHoaBkRNUX5D/tf65WxnGJV6wt+Qk"},
		}},
		{"the same: passlib.hash.scrypt.using(rounds=14, parallelism=2).hash(p)", password.PHC{}, []vector{
			{long, "$scrypt$ln=14,r=8,p=2$jpESYiwFAEAI4Vwr5TwHAA$QHRu15tehaCepBWsDQBSJdw74VQ39FP6fhpKPCsNM10"},
		}},

		{"ASP.NET Core Identity: the values of Microsoft's own PasswordHasherTest.cs (dotnet/aspnetcore), format 3", password.ASPNET{}, []vector{
			{"my password", "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw=="},
			{"my password", "AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw"},
			{"my password", "AQAAAAIAAAD6AAAAIJbVi5wbMR+htSfFp8fTw8N8GOS/Sje+S/4YZcgBfU7EQuqv4OkVYmc4VJl9AGZzmRTxSkP7LtVi9IWyUxX8IAAfZ8v+ZfhjCcudtC1YERSqE1OEdXLW9VukPuJWBBjLuw=="},
			{"my password", "AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M"},
			{"my password", "AQAAAAEAA9CQAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW+jQ="},
		}},
		// Not made by ASP.NET, but by the layout that Microsoft documents, with hashlib.pbkdf2_hmac('sha512', p, salt,
		// 100000, 32) of Python 3.11 and the salt 10 11 ... 1f. The same program makes the first value above.
		{"an independent implementation of format 3 as .NET 7 and later choose it", password.ASPNET{}, []vector{
			{plain, "AQAAAAIAAYagAAAAEBAREhMUFRYXGBkaGxwdHh86/CtSUdSeE/JArh8OEfsrqdwrvY1mfBZDaf05ZKqMaA=="},
			{script, "AQAAAAIAAYagAAAAEBAREhMUFRYXGBkaGxwdHh/5kigB8n5cHWVCXjq6bjrmS+l4ryAnzkBWdcewrMJ6mw=="},
			{decomposed, "AQAAAAIAAYagAAAAEBAREhMUFRYXGBkaGxwdHh+Wg+oIxTUMXwRWcRTyS7r3f5+7aGdmlPAtEuWR9sagPA=="},
			{long, "AQAAAAIAAYagAAAAEBAREhMUFRYXGBkaGxwdHh+kvU7QAe6LqX7i2mkrsRUsNk3g0xnUUuTwc223Zpgigg=="},
		}},

		{"Firebase: Google's own vector, in the README of github.com/firebase/scrypt", project(t), []vector{
			{"user1password", "$firebase$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="},
			{"user1password", "$firebase$42xEC-ixf3L2lw==$lSrfV15cpx95_sZS2W9c9Kp6i_LVgQNDNC_qzrCnh1SAyZvqmZqAjTdn3aoItz-VHjoZilo78198JAdRuid5lQ=="},
		}},
		{"firebase-scrypt 2.2.0 of npm, Node 20: new FirebaseScrypt(project).hash(p, salt)", project(t), []vector{
			{plain, "$firebase$AQIDBAUGBwgJCg==$wTwvNs9UHIFuNm1XMkFdKtlvlYAxceXE6bc42/5qNpK4AjnKof/NcKjhGBzNQMWojxRd8ti8U7JzC4cIW6PRcg=="},
			{script, "$firebase$CgkIBwYFBAMCAQ==$VkayBFcbMhjECYiADUllmWm5yy3Gk8ZBWJF7/GB5S84kGloC/z0aQEcCGMxL/RCDcVQVGLZ09hYwjz1mCCfKvw=="},
			{decomposed, "$firebase$CgkIBwYFBAMCAg==$G0qfB+nx3YACc6bcuyH+5ihOR88Ty63We0hz0HxEZJu6ClEjLcY8ZcEQXJ/rZSNHB99VLTa1KfctpDFp/sorcg=="},
			{long, "$firebase$+/kIBwYFBAMCAw==$CB6jjYZlrAyitpJyL0pC1U2tGM9dBcfMQLr2fA0j7nKodkJMUgWqmNcVjkE+G3F1ZBg5fL+NTQntW3we0uwWCA=="},
		}},
	}
}

func TestVectors(t *testing.T) {
	for _, lib := range libraries(t) {
		for i, v := range lib.hashes {
			if !lib.reader.Reads(v.hash) {
				t.Errorf("%s: %T does not read %s", lib.made, lib.reader, v.hash)
			}
			if ok, err := lib.reader.Verify(v.hash, v.password); !ok || err != nil {
				t.Errorf("%s: %s of %q: %v, %v", lib.made, v.hash, v.password, ok, err)
			}
			if i > 0 {
				continue // one wrong password for each call: they cost as much as right ones
			}
			if ok, err := lib.reader.Verify(v.hash, "x"+v.password); ok || err != nil {
				t.Errorf("%s: %s of another password: %v, %v", lib.made, v.hash, ok, err)
			}
		}
	}
}

// Hashes are told apart by how they begin, so that no two readers claim the same.
func TestReadersDoNotOverlap(t *testing.T) {
	readers := []password.Verifier{password.Werkzeug{}, password.Django{}, password.Devise{}, password.PHP{}, password.PHC{}, password.ASPNET{}, password.Firebase{}}
	for _, lib := range libraries(t) {
		for _, v := range lib.hashes {
			var claimed []password.Verifier
			for _, r := range readers {
				if r.Reads(v.hash) {
					claimed = append(claimed, r)
				}
			}
			if len(claimed) != 1 {
				t.Errorf("%s is read by %T", v.hash, claimed)
			}
		}
	}
}

// What the libraries hash are the bytes that they get, or the first 72 of them.
func TestBytesAsTyped(t *testing.T) {
	const composed = "caf\u00e9 window tractor ocean"
	for _, try := range []struct {
		name     string
		reader   password.Verifier
		hash     string
		password string
		ok       bool
	}{
		{"another form of one character, pbkdf2", password.Werkzeug{}, "pbkdf2:sha1:1000$aMQCfozP$2ae302c57c878e7749785bf7a3b6b086c0d2eec3", composed, false},
		{"another form of one character, bcrypt", password.PHP{}, "$2y$05$I09a72iLF.LrRJKLq5JlL.OLUVLjD07RBdVfUTdR8gj8k2FtScnBa", composed, false},
		{"pbkdf2, another end", password.Werkzeug{}, "pbkdf2:sha1:1000$k85iKAyA$b41b86cd1eda8f7431ca7987409d01a3ecb9a4b7", long + "x", false},
		{"Django's bcrypt_sha256, another end", password.Django{}, "bcrypt_sha256$$2b$05$nHpgkdzaqLNmfCW75ub9gO6QgFvOWwHYwddDEDtMm/bg7aYI19tr6", long + "x", false},
		{"PHP, the first 72 bytes", password.PHP{}, "$2y$05$8LALeP2Obn7pgTi.WAyiqeJN1i0mN7hGzLcFQdBys0exbRkyE1wAe", long[:72], true},
		{"PHP, another end after 72 bytes", password.PHP{}, "$2y$05$8LALeP2Obn7pgTi.WAyiqeJN1i0mN7hGzLcFQdBys0exbRkyE1wAe", long[:72] + "otherwise", true},
		{"PHP, 71 bytes", password.PHP{}, "$2y$05$8LALeP2Obn7pgTi.WAyiqeJN1i0mN7hGzLcFQdBys0exbRkyE1wAe", long[:71], false},
		{"Devise, the pepper does not fit any more", password.Devise{Pepper: "whatever"}, "$2a$05$OfYo6yD0KyGGO8FUgNE9A.uRTrXnVZ98BYatCzjXmMMP/Lzpi9Zle", long, true},
		{"Devise, another pepper", password.Devise{Pepper: "whatever"}, "$2a$05$xhxxBOdSVzhzC3isWAXhWeIPdkwa4JoMYdlHEXxf0rxWEoxoDIBTy", script, false},
		{"Devise, no pepper", password.Devise{}, "$2a$05$xhxxBOdSVzhzC3isWAXhWeIPdkwa4JoMYdlHEXxf0rxWEoxoDIBTy", script, false},
		{"PHP, NUL and repetition", password.PHP{}, "$2y$05$gWpOJKixCG4Kzn.cvywBu.laa1Ti5zFeQnnji3x/BQOHDRJaGcCDe", script + "\x00" + script, false},
		{"PHP, NUL far behind", password.PHP{}, "$2y$05$8LALeP2Obn7pgTi.WAyiqeJN1i0mN7hGzLcFQdBys0exbRkyE1wAe", long + "\x00", false},
	} {
		if ok, err := try.reader.Verify(try.hash, try.password); ok != try.ok || err != nil {
			t.Errorf("%s: %v, %v; want %v", try.name, ok, err, try.ok)
		}
	}
}
