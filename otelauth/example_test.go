package otelauth_test

import (
	"fmt"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/otelauth"
)

func Example() {
	o, err := otelauth.New(nil) // the providers that otel.SetTracerProvider and otel.SetMeterProvider got
	if err != nil {
		fmt.Println(err)
		return
	}
	store := o.Store(memstore.New()) // or another; give this one to email.New, too
	m, err := auth.New(store, &auth.Config{
		BaseURL: "http://localhost:8080",
		Hooks:   []auth.Hooks{o.Hooks()},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(o.Watch(m)) // and o.WatchMails(links), if there are mails
	// Output: <nil>
}
