package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// product is one thing on the shelf. As JSON it is what its owner takes along.
type product struct {
	ID          string    `json:"id"`
	Owner       string    `json:"-"` // the ID of a user, which never changes, unlike an email
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Cents       int64     `json:"cents"`
	Created     time.Time `json:"created"`
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
type productStore struct {
	db *sql.DB
	productDialect
}

// productDialect is what differs between databases.
type productDialect struct {
	create   []string // statements that may run again
	numbered bool     // parameters are $1, $2, and not ?
}

var errNoProduct = errors.New("no such product")

const createProducts = `
CREATE TABLE IF NOT EXISTS products (
	id          VARCHAR(40)  NOT NULL PRIMARY KEY,
	owner       VARCHAR(128) NOT NULL, -- auth_users.id
	name        TEXT         NOT NULL,
	description TEXT         NOT NULL,
	cents       BIGINT       NOT NULL CHECK (cents >= 0),
	created     BIGINT       NOT NULL  -- microseconds since 1970
	%s
)`

var createIndexes = []string{
	"CREATE INDEX IF NOT EXISTS products_created ON products (created)",
	"CREATE INDEX IF NOT EXISTS products_owner ON products (owner, created)",
}

var (
	sqliteProducts   = productDialect{append([]string{fmt.Sprintf(createProducts, "")}, createIndexes...), false}
	postgresProducts = productDialect{sqliteProducts.create, true}
	mysqlProducts    = productDialect{[]string{fmt.Sprintf(createProducts, ", INDEX (created), INDEX (owner, created)")}, false}
)

// migrate makes the table unless it is there. Replicas that start at once may be
// in each other's way, so it tries again.
func (s *productStore) migrate(ctx context.Context) error {
	var err error
	for range 3 {
		if err = s.createAll(ctx); err == nil {
			return nil
		}
	}
	return err
}

func (s *productStore) createAll(ctx context.Context) error {
	for _, statement := range s.create {
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// sql returns a statement with its parameters as the database wants them.
func (s *productStore) sql(statement string) string {
	if !s.numbered {
		return statement
	}
	for n := 1; strings.Contains(statement, "?"); n++ {
		statement = strings.Replace(statement, "?", "$"+strconv.Itoa(n), 1)
	}
	return statement
}

// add stores p under a new ID.
func (s *productStore) add(ctx context.Context, p product) error {
	p.ID, p.Created = strings.ToLower(rand.Text()), time.Now()
	_, err := s.db.ExecContext(ctx, s.sql("INSERT INTO products (id, owner, name, description, cents, created) VALUES (?, ?, ?, ?, ?, ?)"),
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

// removeOf removes all products of one user.
func (s *productStore) removeOf(ctx context.Context, owner string) error {
	_, err := s.db.ExecContext(ctx, s.sql("DELETE FROM products WHERE owner = ?"), owner)
	return err
}

func (s *productStore) query(ctx context.Context, query string, args ...any) ([]product, error) {
	rows, err := s.db.QueryContext(ctx, s.sql(query), args...)
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
