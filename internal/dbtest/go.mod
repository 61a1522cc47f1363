module github.com/vestibule-go/auth/internal/dbtest

go 1.26.0

require github.com/vestibule-go/auth v0.0.0

replace github.com/vestibule-go/auth => ../..
