package cdptest

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestTail compares a tail with the plain way of keeping the newest.
func TestTail(t *testing.T) {
	var out []int
	tail := tail[int]{limit: 4, budget: 20, weigh: func(n int) int { return n }, onDrop: func(n int) { out = append(out, n) }}
	var all []int
	for i := range 100 {
		n := i * 7 % 11
		all = append(all, n)
		tail.push(n)
		kept := 1
		for sum := n; kept < 4 && kept < len(all); kept++ {
			if sum += all[len(all)-1-kept]; sum > 20 {
				break
			}
		}
		if want := all[len(all)-kept:]; !slices.Equal(tail.live(), want) || tail.total() != len(all) {
			t.Fatalf("after %v: kept %v of %d, want %v", all, tail.live(), tail.total(), want)
		}
	}
	if !slices.Equal(append(out, tail.live()...), all) {
		t.Errorf("dropped %v", out)
	}
	if c := cap(tail.items); c > 32 {
		t.Errorf("room for %d items is held, to keep 4", c)
	}
	tail.push(1000)
	if !slices.Equal(tail.live(), []int{1000}) {
		t.Errorf("kept %v: what has just come stays, alone", tail.live())
	}
}

// TestBounds makes the stand-in small and floods it.
func TestBounds(t *testing.T) {
	c := New(Options{})
	c.events.budget, c.requests.budget, c.order.limit, c.made.limit = 10_000, 10_000, 5, 3
	for i := range 20 {
		w := httptest.NewRecorder()
		c.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/v1.2/browser/create.json?client_key=k", nil))
		if c.Made() != i+1 {
			t.Fatalf("made %d, want %d", c.Made(), i+1)
		}
		ids := c.Browsers()
		body := fmt.Sprintf(`{"client_key":"k","pos":"shop","type":"A","page":"%s","browser_id":"%s"}`,
			strings.Repeat("x", 3000), ids[len(ids)-1])
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1.2/events", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w = httptest.NewRecorder()
		if c.ServeHTTP(w, r); w.Code != 201 {
			t.Fatal(w.Code, w.Body)
		}
	}
	if len(c.Events()) != 3 || c.Dropped() != 17 {
		t.Errorf("kept %d events of 3 kB in 10, dropped %d", len(c.Events()), c.Dropped())
	}
	if n := len(c.Requests()); n < 6 || n > 7 {
		t.Errorf("kept %d requests", n)
	}
	if len(c.Browsers()) != 3 || len(c.known) != 5 || c.order.len() != 5 {
		t.Errorf("%d browser IDs listed, %d known", len(c.Browsers()), len(c.known))
	}
}

func TestSchemaBounds(t *testing.T) {
	s := schema{}
	s.learn(&Event{Type: strings.Repeat("A", maxSchemaName), Ext: map[string]any{"a": 1.0}})
	if len(s) != 0 {
		t.Error("a long name is remembered")
	}
	for i := range maxSchema + 10 {
		s.learn(&Event{Type: strconv.Itoa(i), Ext: map[string]any{"a": 1.0}})
	}
	if len(s) != maxSchema {
		t.Errorf("%d attributes are remembered", len(s))
	}
}
