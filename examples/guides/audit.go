package guides

import (
	"log/slog"
	"os"

	"github.com/vestibule-go/auth"
)

// newShipped returns a Manager whose log a collector can read.
func newShipped(store auth.Store, baseURL string) (*auth.Manager, error) {
	logger := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelInfo}))
	m, err := auth.New(store, &auth.Config{BaseURL: baseURL, Logger: logger})
	return m, err
}
