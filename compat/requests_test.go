package compat

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/gorilla/handlers"
	"github.com/gorilla/mux"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

type ownKey struct{}

// TestRequests: what routers and middlewares change on their request is seen outside, as
// without goaltrack.
func TestRequests(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) {
		_ = r.FormValue("topic")
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html>")
	}
	answers := http.HandlerFunc(answer)
	serveMux := http.NewServeMux()
	serveMux.HandleFunc("/products/7", answer)
	gorilla, chiRouter := mux.NewRouter(), chi.NewRouter()
	gorilla.HandleFunc("/products/{id}", answer).Name("product")
	chiRouter.HandleFunc("/products/{id}", answer)
	server := &replaceable{}
	address, client := server.start(t, false)
	tracker := pageTracker(t)
	for name, inner := range map[string]http.Handler{
		"nothing":                answers,
		"ServeMux":               serveMux,
		"gorilla/mux":            gorilla,
		"chi":                    chiRouter,
		"StripPrefix":            http.StripPrefix("/products", answers),
		"gorilla ProxyHeaders":   handlers.ProxyHeaders(answers),
		"gorilla MethodOverride": handlers.HTTPMethodOverrideHandler(answers),
		"URL in place": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = "/rewritten"
			r.URL.RawQuery = ""
			answer(w, r)
		}),
		"context in place": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			*r = *r.WithContext(context.WithValue(r.Context(), ownKey{}, "seen"))
			r.SetPathValue("id", "7")
			answer(w, r)
		}),
		"context of a copy": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer(w, r.WithContext(context.WithValue(r.Context(), ownKey{}, "not seen")))
		}),
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			bare, _ := outside(t, server, client, method, address, inner)
			for where, handler := range map[string]http.Handler{
				"goaltrack": tracker.Handler(inner), "goaltrack twice": tracker.Handler(tracker.Handler(inner)),
			} {
				if got, _ := outside(t, server, client, method, address, handler); got != bare {
					t.Errorf("%s of %s in %s: outside there is\n%s\nwithout goaltrack\n%s", method, name, where, got, bare)
				}
			}
		}
	}
}

// outside asks for a page, and tells what is seen of the request outside of a handler,
// when that has returned.
func outside(t *testing.T, server *replaceable, client *http.Client, method, address string, handler http.Handler) (seen, id string) {
	t.Helper()
	server.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = "192.0.2.1:1"
		route := chi.NewRouteContext()
		r = r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, route))
		handler.ServeHTTP(w, r)
		seen = fmt.Sprint(r.Method, r.URL, r.Host, r.RemoteAddr, r.RequestURI, r.Header, r.Form, r.PostForm, r.MultipartForm, r.Pattern,
			mux.Vars(r), r.Context().Value(ownKey{}), route.RoutePattern(), route.URLParam("id"))
		id = r.PathValue("id")
	})
	form := url.Values{"topic": {"tea"}, handlers.HTTPMethodOverrideFormKey: {"PUT"}}
	r, err := http.NewRequestWithContext(t.Context(), method, address+"/products/7?a=b", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "shop.example"
	r.Header = http.Header{
		"User-Agent": {chrome}, "Accept": {"text/html,*/*;q=0.8"}, "Content-Type": {"application/x-www-form-urlencoded"},
		"Cookie": {"bid_" + cdptest.TestClientKey + "=" + known}, "X-Forwarded-For": {"203.0.113.9"}, "X-Forwarded-Proto": {"https"},
	}
	res, err := client.Transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	return seen, id
}

// TestPathValuesStayInside: what README's limits say of path values. Their fields are private
// to net/http, and a middleware that adds to the context hands on a copy of the request.
func TestPathValuesStayInside(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, r.PathValue("id"))
	}
	serveMux, chiRouter := http.NewServeMux(), chi.NewRouter()
	serveMux.HandleFunc("/products/{id}", answer)
	chiRouter.HandleFunc("/products/{id}", answer)
	server := &replaceable{}
	address, client := server.start(t, false)
	tracker := pageTracker(t)
	for _, router := range []http.Handler{serveMux, chiRouter} {
		for want, handler := range map[string]http.Handler{"7": router, "": tracker.Handler(router)} {
			seen, id := outside(t, server, client, http.MethodGet, address, handler)
			if !strings.Contains(seen, "/products/{id}") || id != want {
				t.Errorf("%T: outside there is %s, and the id %q, want %q", router, seen, id, want)
			}
		}
	}
}
