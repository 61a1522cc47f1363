package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// product is one thing on the shelf.
type product struct {
	ID          string
	Owner       string // the ID of a user, which never changes, unlike an email
	Name        string
	Description string
	Cents       int64
	Created     time.Time
}

// Price returns the price as people read it.
func (p product) Price() string {
	if p.Cents == 0 {
		return "Free"
	}
	return fmt.Sprintf("$%d.%02d", p.Cents/100, p.Cents%100)
}

// productStore keeps products in a table of the shop's own, beside those of
// package sqlstore.
type productStore struct{ db *sql.DB }

var errNoProduct = errors.New("no such product")

const createProducts = `
CREATE TABLE IF NOT EXISTS products (
	id          TEXT    NOT NULL PRIMARY KEY,
	owner       TEXT    NOT NULL, -- auth_users.id
	name        TEXT    NOT NULL,
	description TEXT    NOT NULL,
	cents       INTEGER NOT NULL CHECK (cents >= 0),
	created     INTEGER NOT NULL  -- microseconds since 1970
);
CREATE INDEX IF NOT EXISTS products_created ON products (created);
CREATE INDEX IF NOT EXISTS products_owner ON products (owner, created);`

func (s *productStore) migrate(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, createProducts)
	return err
}

// add stores p under a new ID.
func (s *productStore) add(ctx context.Context, p product) error {
	p.ID, p.Created = strings.ToLower(rand.Text()), time.Now()
	_, err := s.db.ExecContext(ctx, "INSERT INTO products (id, owner, name, description, cents, created) VALUES (?, ?, ?, ?, ?, ?)",
		p.ID, p.Owner, p.Name, p.Description, p.Cents, p.Created.UnixMicro())
	return err
}

const selectProducts = "SELECT id, owner, name, description, cents, created FROM products "

// byID returns the product with that ID, or errNoProduct.
func (s *productStore) byID(ctx context.Context, id string) (product, error) {
	list, err := s.query(ctx, selectProducts+"WHERE id = ?", id)
	if err != nil {
		return product{}, err
	}
	if len(list) == 0 {
		return product{}, errNoProduct
	}
	return list[0], nil
}

// newest returns at most n products, the newest first.
func (s *productStore) newest(ctx context.Context, n int) ([]product, error) {
	return s.query(ctx, selectProducts+"ORDER BY created DESC LIMIT ?", n)
}

// of returns the products of one user, the newest first.
func (s *productStore) of(ctx context.Context, owner string) ([]product, error) {
	return s.query(ctx, selectProducts+"WHERE owner = ? ORDER BY created DESC", owner)
}

func (s *productStore) query(ctx context.Context, query string, args ...any) ([]product, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []product
	for rows.Next() {
		var p product
		var created int64
		if err := rows.Scan(&p.ID, &p.Owner, &p.Name, &p.Description, &p.Cents, &created); err != nil {
			return nil, err
		}
		p.Created = time.UnixMicro(created).UTC()
		list = append(list, p)
	}
	return list, rows.Err()
}
