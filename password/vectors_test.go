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
// test vector, in the README of github.com/firebase/scrypt, where memCost is 14.
func project(t testing.TB, memCost int) password.Firebase {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString("jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==")
	if err != nil {
		t.Fatal(err)
	}
	return password.Firebase{SignerKey: key, SaltSeparator: []byte{7}, Rounds: 8, MemCost: memCost}
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
		}},
		{"the same: generate_password_hash(p, 'scrypt:1024:8:2')", password.Werkzeug{}, []vector{
			{script, "scrypt:1024:8:2$IOVyxbJPyh8ccDZJ$e67b15a73b5b7fa71d0d96f351191cb058e04b48da30006504916880c45e0439a6b34c4e88190e0ee2eb42e38b4367e0ff345b340bc6a6de9fa9c1064295cdb1"},
			{decomposed, "scrypt:1024:8:2$V22wSJpRSQ3sxEv5$60d817eaecd012b4084180a4e998bd86f07d80645430dd6374f174920273b61a9806435b1881a4bffbf86fad958fa4bf8bd871330d730054342cf2ed9f736039"},
			{long, "scrypt:1024:8:2$xAWIdNEMCYRNgo0j$0fd2263d2f64f1b0880527d0b8dd01701d13ee0df1ee5bf5f9f5e872614c587c2f3d2158cbc16dcdd2c37d830645ed76416588be02648b1ae984a491348a2a23"},
		}},
		{"the same: generate_password_hash(p, 'pbkdf2')", password.Werkzeug{}, []vector{
			{plain, "pbkdf2:sha256:1000000$TETQq4LM3AgHdWSq$dacc85d05ac6bd5d38eb983382bb7d0448f29d7dc212f8548d6e769da826c32b"},
		}},
		{"the same: generate_password_hash(p, 'pbkdf2:sha256:1000')", password.Werkzeug{}, []vector{
			{script, "pbkdf2:sha256:1000$y7Qsk5vuJlqR5Wzt$3f6bb2c7613cca344bacb2d08a4ec166e049f006b9766a9dc5f98a30c6ff9ddc"},
		}},
		{"the same: generate_password_hash(p, 'pbkdf2:sha512:1000')", password.Werkzeug{}, []vector{
			{long, "pbkdf2:sha512:1000$Ee2OoxYtJ0GibKNt$e72b5bda9b716b3c56d43fbb31412ec782629cc124efe3e51652f8391c0854bf2a8a965c441a6617e1a5dad56f4b90d8aaa8052630394c0e2cd0e8de1aa23613"},
		}},
		{"the same: generate_password_hash(p, 'pbkdf2:sha1:1000', salt_length=8), once the default", password.Werkzeug{}, []vector{
			{plain, "pbkdf2:sha1:1000$ARaKG1cq$e002348a431b7da071881f109f645b7ec53e2a94"},
			{script, "pbkdf2:sha1:1000$8OJOBpBL$46ffd3590e5f7a436712154184559fd92059be71"},
			{decomposed, "pbkdf2:sha1:1000$aMQCfozP$2ae302c57c878e7749785bf7a3b6b086c0d2eec3"},
			{long, "pbkdf2:sha1:1000$k85iKAyA$b41b86cd1eda8f7431ca7987409d01a3ecb9a4b7"},
		}},

		{"Django 4.2.28, Python 3.11: django.contrib.auth.hashers.make_password(p, hasher='pbkdf2_sha256')", password.Django{}, []vector{
			{plain, "pbkdf2_sha256$600000$zsbqwDbBtU4tCGl0jeWZ3K$3vZ/5rUhKVjdxLQRIING/7bCFXb51o8CVcsNriTm6aM="},
		}},
		{"the same, with PBKDF2PasswordHasher.iterations = 1000", password.Django{}, []vector{
			{script, "pbkdf2_sha256$1000$xslG19Xznq5r04KL8ykNKb$iasNJ9Bj2GM3GXJ0xAI0H7/OkzD7wUnheUQT0UnyRK8="},
			{decomposed, "pbkdf2_sha256$1000$HYvg70y3WIGqTYw1jdg4O3$c0WJVtEJ7dBsOJL/DF7+TLDMR6/qOBG3Oi+8OjhxHzo="},
			{long, "pbkdf2_sha256$1000$6UUYgrJ1d9VL9Vbaes732x$Vv1D6KgSRJ6rNh1ZbNRuONStat4nc37mMrcCwg92wSI="},
		}},
		{"the same, hasher='pbkdf2_sha1', with iterations = 1000", password.Django{}, []vector{
			{script, "pbkdf2_sha1$1000$1B5IrKWqTCTCzX2NmB3GCA$cDkXQuWPqM+foSmx0DIrR+vbTuY="},
		}},
		{"the same, hasher='argon2', with argon2-cffi 21.1.0", password.Django{}, []vector{
			{plain, "argon2$argon2id$v=19$m=102400,t=2,p=8$UXZPM0M3VlhmTHRUTkFyMFFtaE9Ncg$g9Y03QbGiUnHQMC2YPNFrw"},
		}},
		{"the same, hasher='argon2', with Argon2PasswordHasher.memory_cost = 1024", password.Django{}, []vector{
			{script, "argon2$argon2id$v=19$m=1024,t=2,p=8$Um5tTk81aVZLaXBxUFFaQzNKak94Sg$lHt9WeKw/WE0cG1gEckJXQ"},
			{long, "argon2$argon2id$v=19$m=1024,t=2,p=8$SW40bFVLYTM0UGJoeWlJQW1TaTlJRw$SNAS/rIN7BBtwDTEKoigTA"},
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
			{plain, "scrypt$16384$myvciG7Fo23VSahiizvu5U$8$1$pWRf5hguCa5yMXC+fA91DHG/RsMPu6x7NISQ1NP93zZEh5+GTGrIGUywn97ZtsnAXvs3PlQt9E9aXgQTATZulQ=="},
		}},
		{"the same, hasher='scrypt', with ScryptPasswordHasher.work_factor = 2**10", password.Django{}, []vector{
			{decomposed, "scrypt$1024$nuKL6J4sCOby7NdxsPCsIa$8$1$ugHl1PuQShgszw+5BU8+PLMGq/faksjyGYugV/re+SzK3ZcrRH3h628t0P8dvcyJNdXMgxYItuGkenwq/YpT0w=="},
			{long, "scrypt$1024$JpQPk59IruhaDf9voyqkAB$8$1$E8NKjfU6l3FUP9NKxr8hDuZ4Rd9X/jg3zK5aR8RPnYaZ8V2tlcimZFMXVDIxau/QEmK8t4ZhulyrAnVhXaswPQ=="},
		}},

		{"Devise 4.8.1, bcrypt-ruby 3.1.18, Ruby 3.1: Devise::Encryptor.digest(klass, p), stretches 12, no pepper", password.Devise{}, []vector{
			{plain, "$2a$12$EdSNuDV1otB8cPVYj7ioW.E1L57lpO6FkeuQAXe7pnbgUhm00RC1a"},
		}},
		{"the same, stretches 5", password.Devise{}, []vector{
			{script, "$2a$05$1yhkJ.Jo8zS1a3WWw6XRa.ZGg4Z.pPtTO8ODkTAj/Zv9tH/AWo/kG"},
			{decomposed, "$2a$05$yA7E3aB.1zqMXTXG2s/K7OgESSa9ezNw/jKIy4/GNLy3nSNLzXwGi"},
			{long, "$2a$05$TTR4wiWCmn4N0F.YbYhlw.ioE9xIGnJQXLy3nkIBIiaAaeLdDnmUy"},
		}},
		{"the same, stretches 5, pepper oldPepper", password.Devise{Pepper: oldPepper}, []vector{
			{script, "$2a$05$xhxxBOdSVzhzC3isWAXhWeIPdkwa4JoMYdlHEXxf0rxWEoxoDIBTy"},
			{decomposed, "$2a$05$qhI1SlDCrUozFc1kW6sAGOalmLYrl7suSTaQFBV/VwRkqKStmB0J."},
			{long, "$2a$05$OfYo6yD0KyGGO8FUgNE9A.uRTrXnVZ98BYatCzjXmMMP/Lzpi9Zle"},
		}},
		{"bcrypt-ruby 3.1.18: BCrypt::Password.create(p, cost: 5), as has_secure_password calls it", password.Devise{}, []vector{
			{plain, "$2a$05$uEwfmfrJwY3P/K8iyzGZ7uGMPzyJnZ4txQtUuw9QVI3Z92tOmcpJu"},
		}},

		{"PHP 8.2.36: password_hash(p, PASSWORD_BCRYPT)", password.PHP{}, []vector{
			{plain, "$2y$10$MwV6DgM5Yu8mXzosSxJ70.KbxJ9TLMy8RCw53ao9NVhZeHkqCwFpK"},
		}},
		{"the same, with ['cost' => 5]", password.PHP{}, []vector{
			{script, "$2y$05$gWpOJKixCG4Kzn.cvywBu.laa1Ti5zFeQnnji3x/BQOHDRJaGcCDe"},
			{decomposed, "$2y$05$I09a72iLF.LrRJKLq5JlL.OLUVLjD07RBdVfUTdR8gj8k2FtScnBa"},
			{long, "$2y$05$8LALeP2Obn7pgTi.WAyiqeJN1i0mN7hGzLcFQdBys0exbRkyE1wAe"},
		}},
		{"PHP 8.2.36: password_hash(p, PASSWORD_ARGON2ID)", password.PHC{}, []vector{
			{plain, "$argon2id$v=19$m=65536,t=4,p=1$VWRxTTdDdG1XNzR5dUVBWA$7T0zZ6IQZmchyWV9ojTxL6aiclheFDIRN8WGwghoj+8"},
		}},
		{"the same, with ['memory_cost' => 1024, 'time_cost' => 2]", password.PHC{}, []vector{
			{script, "$argon2id$v=19$m=1024,t=2,p=1$WU9kV1Z1T09BL1Uyd2xqTA$/gaIjBBK4E2JSThVXL//DXuOHTjsIo463RkiaFW5aC0"},
			{decomposed, "$argon2id$v=19$m=1024,t=2,p=1$NWZ4bmt6N1hva042RFVwTg$R00dUT2ZFvOVfDd0AWhoxBneS6Vn09YQcXC/UqErV0Q"},
			{long, "$argon2id$v=19$m=1024,t=2,p=1$N0ZscWs3U210U0dyQlppcw$Tt1NgoVfbwgFFWnl5M0zJbeWOmAm4T5sYiHAxpOi+Yk"},
		}},
		{"the same: password_hash(p, PASSWORD_ARGON2I, ['memory_cost' => 1024, 'time_cost' => 2])", password.PHC{}, []vector{
			{script, "$argon2i$v=19$m=1024,t=2,p=1$bjBVOHNiREdxd1YvTVR3TA$VDGv+kPrHsy2pRk1XCHFqak9Zbr/JhhQC5szKWKfez8"},
		}},
		{"argon2-cffi 21.1.0, Python 3.11: PasswordHasher(memory_cost=1024, parallelism=4, hash_len=32).hash(p)", password.PHC{}, []vector{
			{script, "$argon2id$v=19$m=1024,t=2,p=4$r5+Ey4NazW/OBIAo2d6DSw$6sqfBO67Js5XXLneytSRpxL7JgS+rQAUsYS/3UTZ81M"},
		}},
		{"the same: PasswordHasher(time_cost=3, memory_cost=4096, parallelism=2, hash_len=24, type=Type.I).hash(p)", password.PHC{}, []vector{
			{plain, "$argon2i$v=19$m=4096,t=3,p=2$In6NL4bTtNDnHWL7SC48EQ$kquJjkbKo1al6IYzYvBI+hqy94wBcjZv"},
		}},
		{"passlib 1.7.4, Python 3.11: passlib.hash.scrypt.using(rounds=10).hash(p)", password.PHC{}, []vector{
			{script, "$scrypt$ln=10,r=8,p=1$cQ7BmHOO0bp3DuHc2zvn3A$GC51ZFHXaxYJNUsVdnx7vpNtXF+i0Yo+y29lKcN9cC8"},
			{long, "$scrypt$ln=10,r=8,p=1$iVFK6b03xpjzHoPwXgthLA$l/21QMlps/WxxfxgEPzBPEpIM+PFvDUuTKizEWurJlM"},
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

		{"Firebase: Google's own vector, in the README of github.com/firebase/scrypt", project(t, 14), []vector{
			{"user1password", "$firebase$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="},
		}},
		{"firebase-scrypt 2.2.0 of npm, Node 20: new FirebaseScrypt(project(10)).hash(p, salt)", project(t, 10), []vector{
			{script, "$firebase$CgkIBwYFBAMCAQ==$3o6NhJd93/cLeVPZscQjNlNCIlI/dThjfWMON5GjXE9YQcIdUB+Q3NJbLA50YXr0EbgbEOJhoOMAi6rqyzbGLQ=="},
			{decomposed, "$firebase$CgkIBwYFBAMCAg==$6E+F6vijPiBYzvmmYJE3KtU50n9cTdJSzp46GHgnALd4iAH2N9dKK+aXL7KgvqVoDm86T6xE14/k5U/tSitXkw=="},
			{long, "$firebase$+/kIBwYFBAMCAw==$HC8jmLX74GVbO5PtUAgOaIpX0BaB4Vc1hLVh7BmtKruoMx8tK/0MQyV+RJTDa/r9yJcW7xzde3UncFz6ZjsJVA=="},
		}},
		{"the same, in the URL-safe alphabet", project(t, 10), []vector{
			{long, "$firebase$-_kIBwYFBAMCAw==$HC8jmLX74GVbO5PtUAgOaIpX0BaB4Vc1hLVh7BmtKruoMx8tK_0MQyV-RJTDa_r9yJcW7xzde3UncFz6ZjsJVA=="},
		}},
	}
}

func TestVectors(t *testing.T) {
	for _, lib := range libraries(t) {
		for _, v := range lib.hashes {
			if !lib.reader.Reads(v.hash) {
				t.Errorf("%s: %T does not read %s", lib.made, lib.reader, v.hash)
			}
			if ok, err := lib.reader.Verify(v.hash, v.password); !ok || err != nil {
				t.Errorf("%s: %s of %q: %v, %v", lib.made, v.hash, v.password, ok, err)
			}
			if v.password == plain {
				continue // it has the cost that its library chooses, and the cheaper ones have to do
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
