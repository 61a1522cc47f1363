package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"time"
)

//go:embed static
var staticFiles embed.FS

// staticFile is a file with what browsers cache it by.
type staticFile struct {
	content     []byte
	contentType string
	version     string // changes with the content
}

var statics = readStatics()

func readStatics() map[string]staticFile {
	// Not every system knows these types.
	mime.AddExtensionType(".css", "text/css; charset=utf-8")
	mime.AddExtensionType(".svg", "image/svg+xml")
	all := make(map[string]staticFile)
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err) // it is part of the program
	}
	for _, e := range entries {
		content, err := fs.ReadFile(staticFiles, "static/"+e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		all[e.Name()] = staticFile{content, mime.TypeByExtension(path.Ext(e.Name())), hex.EncodeToString(sum[:8])}
	}
	return all
}

// asset returns the address of a file. It has the version in it, so that browsers
// may keep the file for good, and ask for another when it has changed.
func asset(name string) string { return "/static/" + name + "?v=" + statics[name].version }

func serveStatic(w http.ResponseWriter, r *http.Request) {
	f, ok := statics[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("ETag", `"`+f.version+`"`)
	h.Set("Cache-Control", "public, max-age=300")
	if r.URL.Query().Get("v") == f.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
}
