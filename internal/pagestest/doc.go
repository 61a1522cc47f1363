// Package pagestest tests that docs/openapi.yaml describes what package pages does. It is a module of its
// own, so that the validator stays out of the requirements of the main module.
package pagestest
