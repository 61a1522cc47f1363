module github.com/vestibule-go/auth/cmd/authcheck

go 1.26.0

require go.yaml.in/yaml/v3 v3.0.6

require golang.org/x/net v0.61.0
