// Yumroad is a small shop for people who make things: anyone looks around, and
// whoever signs up puts products of their own on the shelf. It shows what an
// application looks like around package auth and its pages: the frame of every page is
// the shop's own, and so are its products.
//
// Start it, and open the address that it prints:
//
//	go run ./examples/yumroad
//
// Begin to read in shop.go, which has the routes, and go on in account.go. Mails are
// printed; see mail.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], makeRoomForHashing(), os.Stdout, os.Stderr))
}

// run is main with everything it touches as arguments. It returns the exit code:
// 2 for flags that cannot work, 1 for other failures.
func run(ctx context.Context, args []string, hashSeats int, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	if err == nil {
		o.hashSeats, o.out = hashSeats, stdout
		logger := slog.New(slog.NewTextHandler(stderr, nil))
		err = serve(ctx, o, logger, stdout)
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errOptions):
		fmt.Fprintf(stderr, "yumroad: %v\nyumroad -h explains the flags.\n", err)
		return 2
	}
	fmt.Fprintln(stderr, "yumroad:", err)
	return 1
}

// serve runs the shop until ctx is done, and then lets open requests finish.
func serve(ctx context.Context, o *options, logger *slog.Logger, stdout io.Writer) error {
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	url := listeningURL(o.addr, listener.Addr())
	if o.baseURL == "" {
		o.baseURL = url
	}
	s, err := openShop(ctx, o, logger)
	if err != nil {
		return err
	}
	defer s.close()
	stop, err := s.serveMetrics(o, logger)
	if err != nil {
		return err
	}
	defer stop()
	if o.bcryptCost < safeCost {
		logger.Warn("passwords are hashed too cheaply for real users", "bcrypt-cost", o.bcryptCost, "least", safeCost)
	}
	if o.mail == "log" && s.https {
		logger.Warn("mails are printed, and nobody gets them; see -mail")
	}
	fmt.Fprintln(stdout, "listening on", url)
	ctx, cancel := s.drain(ctx, o.drain)
	defer cancel()
	return serveUntil(ctx, newServer(s.handler(), logger), listener)
}

// newServer returns a server that gives up on clients which are too slow: by
// default net/http would wait for them for ever.
func newServer(h http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}

func serveUntil(ctx context.Context, server *http.Server, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		// Some client is slower than we are patient. Its request is cut off.
		return server.Close()
	}
	return nil
}

// makeRoomForHashing doubles the number of threads that run Go code, unless the
// environment sets it, and returns how many passwords to hash at once: one for
// each processor, as before.
//
// A goroutine that hashes a password does nothing else for a third of a second.
// With as many such goroutines as threads all other requests would have to wait
// for the scheduler to interrupt one of them. With threads to spare the operating
// system divides the processors fairly, and a storm of logins hardly slows the rest.
func makeRoomForHashing() (seats int) {
	if os.Getenv("GOMAXPROCS") != "" {
		return 0 // the library's choice
	}
	seats = runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(2 * seats)
	return seats
}
