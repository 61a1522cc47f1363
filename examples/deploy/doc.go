// Package deploy has what runs the shop of examples/yumroad in earnest: two replicas behind nginx, with PostgreSQL
// and Redis. docs/deploy.md says how to use the files; the tests start all of these programs, and take them away.
package deploy
