// Command e2e is the server of the browser tests. It opens shops: each is a
// site behind goaltrack, with its own stand-in for the CDP. It tells the tests
// what arrived there. The tests (cases/, run by run.mjs) drive a real browser
// through the pages, in which Sitecore's real SDKs run.
//
// It prints the loopback address at which it takes orders. It ends when its
// standard input ends, so that nothing is left behind when the tests die.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"time"
)

// patience bounds how long to wait for anything in a shop. Nothing here takes a
// second on a machine that is free; a machine at work can be ten times as slow.
const patience = 2 * time.Minute

func main() {
	bundles := flag.String("bundles", "dist", "`folder` with the pages' scripts")
	flag.Parse()
	d := &desk{bundles: *bundles, shops: map[string]*shop{}}
	server := httptest.NewServer(d.routes())
	fmt.Println(server.URL)
	_, _ = io.Copy(io.Discard, os.Stdin)
	server.Close()
	for _, s := range d.shops {
		_, _ = s.close() // those whose test has died
	}
}

// desk is where the tests open, ask and close shops.
type desk struct {
	bundles string

	mu    sync.Mutex
	shops map[string]*shop
	next  int
}

func (d *desk) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /shops", d.open)
	mux.HandleFunc("GET /shops/{shop}", d.of(func(ctx context.Context, s *shop) (any, error) { return s.report(ctx) }))
	mux.HandleFunc("POST /shops/{shop}/know", d.of(func(_ context.Context, s *shop) (any, error) { return s.know(), nil }))
	mux.HandleFunc("POST /shops/{shop}/fail/{how}", d.fail)
	mux.HandleFunc("DELETE /shops/{shop}", d.shut)
	return mux
}

// opened tells the tests where a shop is.
type opened struct {
	Shop string `json:"shop"`
	Port int    `json:"port"`
}

func (d *desk) open(w http.ResponseWriter, r *http.Request) {
	var o options
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	s, err := openShop(ctx, o, d.bundles)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	d.next++
	name := strconv.Itoa(d.next)
	d.shops[name] = s
	d.mu.Unlock()
	answer(w, opened{Shop: name, Port: s.port()})
}

func (d *desk) shut(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	s := d.shops[r.PathValue("shop")]
	delete(d.shops, r.PathValue("shop"))
	d.mu.Unlock()
	if s == nil {
		http.NotFound(w, r)
		return
	}
	account, err := s.close()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, account)
}

// of serves a question about one shop.
func (d *desk) of(ask func(context.Context, *shop) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		s := d.shops[r.PathValue("shop")]
		d.mu.Unlock()
		if s == nil {
			http.NotFound(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		said, err := ask(ctx, s)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer(w, said)
	}
}

func (d *desk) fail(w http.ResponseWriter, r *http.Request) {
	d.of(func(_ context.Context, s *shop) (any, error) {
		return nil, s.fail(r.PathValue("how"))
	})(w, r)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client may have left
}
