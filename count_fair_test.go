package goaltrack

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/goaltrack/goaltrack/internal/recall"
)

// TestMadeUpVisitorsForgetNobody: who makes up browser IDs takes what is remembered beside
// the cookie from nobody on another network.
func TestMadeUpVisitorsForgetNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // or a slow machine would end their sessions
		s := openShop(t, timeRules, func(c *Config) { c.DryRun = true })
		s.tracker.visits = recall.OfBuckets(128)
		visit := func(id, from string) {
			r := httptest.NewRequest(http.MethodGet, "https://shop.example/session?public", nil) // so that no cookie remembers it
			r.RemoteAddr = from
			r.Header["User-Agent"] = []string{"Mozilla/5.0 (X11; Linux x86_64) Chrome/143.0.0.0 Safari/537.36"}
			r.Header["Accept"] = []string{"text/html"}
			r.Header["Cookie"] = []string{"bid_key=" + id}
			s.handler.ServeHTTP(httptest.NewRecorder(), r)
		}
		const some = 20
		each := func() {
			for i := range some {
				visit(fmt.Sprintf("11111111-2222-4333-8444-%012x", i), fmt.Sprintf("203.0.113.%d:4711", i))
			}
		}
		each()
		s.expect("SESSION", some, "already_counted", 0)
		for i := range 4000 {
			visit(fmt.Sprintf("99999999-2222-4333-8444-%012x", i), "198.51.100.9:4711")
		}
		each()
		s.expect("SESSION", some+4000, "already_counted", some)
	})
}
