// Package dbtest tests sqlstore with real databases. It is a module of its own,
// so that their drivers stay out of the requirements of the main module.
package dbtest
