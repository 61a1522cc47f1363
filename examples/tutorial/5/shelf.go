package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/http"
	"strconv"
	"strings"

	"github.com/vestibule-go/auth"
)

// createProducts makes our own table, beside those of package sqlstore.
const createProducts = `CREATE TABLE IF NOT EXISTS products (
	id    TEXT   NOT NULL PRIMARY KEY,
	owner TEXT   NOT NULL, -- the ID of a user, which never changes
	name  TEXT   NOT NULL,
	price BIGINT NOT NULL
)`

type shop struct{ db *sql.DB }

type product struct {
	Name  string
	Price int64
}

// products returns those of one owner or, if that is empty, all.
func (s *shop) products(ctx context.Context, owner string) (list []product, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT name, price FROM products WHERE owner = $1 OR $1 = '' ORDER BY name", owner)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p product
		if err := rows.Scan(&p.Name, &p.Price); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

func (s *shop) shelf(w http.ResponseWriter, r *http.Request) {
	s.showShelf(w, r, http.StatusOK, "")
}

func (s *shop) showShelf(w http.ResponseWriter, r *http.Request, status int, notice string) {
	list, err := s.products(r.Context(), auth.CurrentUser(r.Context()).ID)
	if err != nil {
		fail(w, err)
		return
	}
	show(w, r, status, "shelf.html", &page{Title: "Your shelf", Products: list, Notice: notice})
}

func (s *shop) add(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSpace(r.PostFormValue("name"))
	price, err := strconv.ParseUint(r.PostFormValue("price"), 10, 31)
	if name == "" || err != nil {
		s.showShelf(w, r, http.StatusUnprocessableEntity, "Please give it a name, and a price in whole dollars.")
		return
	}
	_, err = s.db.ExecContext(r.Context(), "INSERT INTO products (id, owner, name, price) VALUES ($1, $2, $3, $4)",
		rand.Text(), auth.CurrentUser(r.Context()).ID, name, int64(price))
	if err != nil {
		fail(w, err)
		return
	}
	http.Redirect(w, r, "/shelf", http.StatusSeeOther)
}

// forget removes all that the shop has of u.
func (s *shop) forget(ctx context.Context, u *auth.User) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM products WHERE owner = $1", u.ID)
	return err
}
