package guides

import (
	"testing"

	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/memstore"
)

func TestShipped(t *testing.T) {
	m, err := newShipped(memstore.New(), authtest.BaseURL)
	if err != nil || m.BaseURL() != authtest.BaseURL {
		t.Error(m, err)
	}
}
