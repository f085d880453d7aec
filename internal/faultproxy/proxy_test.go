package faultproxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestFaults: what a client sees of each fault, and whether the server had the
// request.
func TestFaults(t *testing.T) {
	var served atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		served.Add(1)
		_, _ = io.WriteString(w, "hello")
	}))
	t.Cleanup(server.Close)
	p := New(t, server.Listener.Addr().String())
	for _, tc := range []struct {
		fault  Fault
		served int64
		status int
		body   string
		ok     bool // the body is whole
	}{
		{None, 1, 200, "hello", true},
		{ResetBefore, 0, 0, "", false},
		{ResetDuring, 0, 0, "", false},
		{ResetAfter, 1, 0, "", false},
		{CutAnswer, 1, 0, "", false},
		{CutBody, 1, 200, "", false},
		{Slow, 1, 200, "hello", true},
		{Hang, 0, 0, "", false},
	} {
		t.Run(tc.fault.String(), func(t *testing.T) {
			p.Always(tc.fault)
			before, client := served.Load(), &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if tc.fault == Hang {
				go func() { // gives up a while after it began to hang
					for p.Played(Hang) == 0 && ctx.Err() == nil {
						time.Sleep(time.Millisecond)
					}
					time.Sleep(50 * time.Millisecond)
					cancel()
				}()
			}
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, p.URL(), strings.NewReader(strings.Repeat("x", 1000)))
			status, body, err := 0, []byte(nil), error(nil)
			if res, doErr := client.Do(req); doErr == nil {
				status = res.StatusCode
				body, err = io.ReadAll(res.Body)
				_ = res.Body.Close()
			} else if err = doErr; (tc.fault == Hang) != errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
			if status != tc.status || string(body) != tc.body || (err == nil) != tc.ok || served.Load()-before != tc.served {
				t.Errorf("status %d, body %q, %v; served %d times", status, body, err, served.Load()-before)
			}
			if p.Played(tc.fault) == 0 {
				t.Error("it was not played")
			}
		})
	}
}

// TestEachRequestHasItsFault: on a kept connection, too.
func TestEachRequestHasItsFault(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	p := New(t, server.Listener.Addr().String())
	p.Times(1, Slow)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 5 {
		text := strings.Repeat("a long body ", 20_000)
		res, err := client.Post(p.URL(), "text/plain", strings.NewReader(text[:240]))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || string(got) != text[:240] {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	if p.Accepted() != 1 || p.Played(Slow) != 1 || p.Played(None) != 4 {
		t.Errorf("%d connections, %d slow, %d others", p.Accepted(), p.Played(Slow), p.Played(None))
	}
}

func TestDownAndUp(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	p := New(t, server.Listener.Addr().String())
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	get := func() error {
		res, err := client.Get(p.URL())
		if err == nil {
			_ = res.Body.Close()
		}
		return err
	}
	if err := get(); err != nil {
		t.Error(err)
	}
	p.Down()
	if err := get(); err == nil {
		t.Error("it is not down")
	}
	if err := p.Up(); err != nil {
		t.Fatal(err)
	}
	if err := get(); err != nil {
		t.Error(err)
	}
}
