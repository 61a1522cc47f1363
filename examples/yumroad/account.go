package main

import (
	"context"
	"net/http"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/lang"
	"github.com/vestibule-go/auth/pages"
)

// newSite returns the pages to sign up, to log in and so on, in the layout of the shop.
func newSite(o *options) (*pages.Site, error) {
	return pages.New(&pages.Config{
		Name:         "Yumroad",
		Fresh:        o.fresh,
		SignupLogsIn: o.confirmWithin > 0,
		Templates:    frame(),
		Funcs:        funcs,
		Account:      []pages.Link{{Label: "What happened", Path: "/account/activity"}},
		Languages:    lang.Catalog{lang.English()}, // as the rest of the shop
	})
}

// accountPaths is where these pages are.
var accountPaths = []string{"/signup", "/login", "/logout", "/reauth", "/session", "/account/", "/confirm", "/confirm/", "/password/"}

func (s *shop) routeAccounts(mux *http.ServeMux) {
	site := s.site.Handler(s.auth, s.links)
	for _, path := range accountPaths {
		mux.Handle(path, site)
	}
}

// hooks take part in logins, and know what the shop keeps of its users.
func (s *shop) hooks(o *options) []auth.Hooks {
	return []auth.Hooks{
		email.Hooks(o.confirmWithin),
		s.trail.Hooks(),
		{Export: s.exportProducts, Delete: s.deleteProducts},
	}
}

func (s *shop) exportProducts(ctx context.Context, u *auth.User) (name string, data any, err error) {
	list, err := s.products.of(ctx, u.ID)
	return "products", append([]product{}, list...), err // a list also if it is empty
}

func (s *shop) deleteProducts(ctx context.Context, u *auth.User) error {
	return s.products.removeOf(ctx, u.ID)
}
