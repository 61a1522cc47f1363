package pagestest

import (
	"fmt"
	"mime"
	"slices"
	"testing"
	"testing/synctest"
	"maps"
)

func TestX(t *testing.T) {
	var all []exchange
	synctest.Test(t, func(t *testing.T) { all = walk(t) })
	seen := map[string]bool{}
	for _, e := range all {
		typ, _, _ := mime.ParseMediaType(e.response.Header.Get("Content-Type"))
		code := ""
		seen[fmt.Sprint(e.request.URL.Path, " ", e.request.Method, " ", e.response.StatusCode, " ", typ, code)] = true
	}
	for _, k := range slices.Sorted(maps.Keys(seen)) { fmt.Println(k) }
}
