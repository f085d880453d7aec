//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// What TestSaturation sends: pages with a goal on every one, as fast as so many
// connections can, by a thousand visitors.
const (
	saturationFor      = 30 * time.Second
	saturationForShort = 5 * time.Second
	saturators         = 64 // connections
	saturationPeople   = 1000
)

// TestSaturation offers a proxy on one core more than it can deliver, to a CDP that
// answers at once. With a state directory nothing is refused, and without one the
// account says what was. Run it with bash .ci/attack.
func TestSaturation(t *testing.T) {
	if os.Getenv("GOALTRACK_ATTACK") == "" {
		t.Skip("GOALTRACK_ATTACK is not set; .ci/attack does")
	}
	binary := build(t)
	for _, state := range []bool{false, true} {
		t.Run(fmt.Sprintf("state directory %t", state), func(t *testing.T) { saturate(t, binary, state) })
	}
}

// decisionSum is the first line of an account.
var decisionSum = regexp.MustCompile(`decisions (\d+) = fired (\d+) \+ not fired (\d+)(.*)`)

func saturate(t *testing.T, binary string, state bool) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><p>A page.")
	}))
	defer site.Close()
	var came atomic.Int64
	cdp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e struct {
			ID string `json:"browser_id"`
		}
		if json.NewDecoder(r.Body).Decode(&e) == nil && e.ID != "" {
			came.Add(1)
		}
		reply(w, http.StatusCreated, `{"status":"OK","version":"1.2","client_key":"key","ref":"`+browserID("feed", 1)+`"}`)
	}))
	defer cdp.Close()
	args := []string{
		"proxy", "--listen=127.0.0.1:0", "--to=" + site.URL, "--cdp=" + cdp.URL, "--client-key=key", "--pos=shop", "--delivery-grace=1s",
		"--rules=" + write(t, "goals.yaml", "version: 1\ngoals:\n  - {goal: SEEN, visit: /page, count: every, value: 1, currency: EUR}\n"),
	}
	if state {
		args = append(args, "--state="+filepath.Join(t.TempDir(), "state"))
	}
	proxy := launch(t, binary, []string{"GOMAXPROCS=1"}, args...)
	transport := &http.Transport{MaxIdleConnsPerHost: saturators}
	defer transport.CloseIdleConnections()
	lasts := saturationFor
	if testing.Short() {
		lasts = saturationForShort
	}
	began := time.Now()
	var sent atomic.Int64
	var all sync.WaitGroup
	for range saturators {
		all.Go(func() {
			for time.Since(began) < lasts {
				n := int(sent.Add(1))
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, proxy.url+"/page", nil)
				if err != nil {
					t.Error(err)
					return
				}
				r.Host = host
				r.Header = navigation.Clone()
				r.Header.Set("Cookie", "bid_key="+browserID("600d", n%saturationPeople))
				response, err := transport.RoundTrip(r)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
	all.Wait()
	delivered := came.Load()
	account := proxy.terminate(t)
	sums := decisionSum.FindStringSubmatch(account)
	if sums == nil {
		t.Fatalf("the account is %q", account)
	}
	decisions, _ := strconv.Atoi(sums[1])
	refused, _ := strconv.Atoi(sums[3])
	seconds := lasts.Seconds()
	if state && refused > 0 {
		t.Errorf("%d goals were refused%s although there is a state directory", refused, sums[4])
	}
	if int64(decisions) != sent.Load() {
		t.Errorf("%d requests, %d decisions", sent.Load(), decisions)
	}
	fmt.Printf("PASS  saturation, state directory %t: offered %d (%.0f/s), delivered meanwhile %d (%.0f/s), refused %d (%.1f %%)%s\n      %s\n",
		state, decisions, float64(decisions)/seconds, delivered, float64(delivered)/seconds, refused, 100*float64(refused)/float64(decisions), sums[4], account)
}
