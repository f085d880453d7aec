package test

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// creation is how long the CDP takes to make an ID, newcomers how many new
// visitors come in a second, poolBound how many IDs may be made for nobody.
const (
	creation  = 300 * time.Millisecond
	newcomers = 200
	poolBound = 256
)

// inMemory is a CDP without a network, so that time can be a fake.
type inMemory struct {
	cdp  *cdptest.CDP
	slow time.Duration
}

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/browser/create.json") {
		select {
		case <-time.After(m.slow):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	w := httptest.NewRecorder()
	m.cdp.ServeHTTP(w, r)
	return w.Result(), nil
}

// crowd is a site whose visitors are all new, on fake time.
type crowd struct {
	t       *testing.T
	cdp     *cdptest.CDP
	tracker *goaltrack.Tracker
	handler http.Handler
}

func newCrowd(t *testing.T, adjust ...func(*goaltrack.Config)) *crowd {
	c := &crowd{t: t, cdp: cdptest.New(cdptest.Options{})}
	config := goaltrack.Config{
		Sites:    []goaltrack.Site{{CDP: cdp.Direct{BaseURL: "http://127.0.0.1:1", ClientKey: cdptest.TestClientKey, PointOfSale: "shop"}}},
		Logger:   slog.New(slog.DiscardHandler),
		Cookie:   goaltrack.Cookie{CreatePerSecond: 1000, CreateBurst: 1000},
		Delivery: goaltrack.Delivery{HTTPClient: &http.Client{Transport: inMemory{c.cdp, creation}}},
	}
	for _, a := range adjust {
		a(&config)
	}
	var err error
	if c.tracker, err = goaltrack.New(config); err != nil {
		t.Fatal(err)
	}
	c.handler = c.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			http.NotFound(w, r)
			return
		case "/public":
			w.Header().Set("Cache-Control", "public")
		}
		world.HTML(w, r)
	}))
	t.Cleanup(func() { _, _ = c.tracker.Close(t.Context()) })
	return c
}

// comes lets somebody without a cookie ask for a page. It returns the ID that they got in a
// cookie, "" if they got none.
func (c *crowd) comes(path string, header ...string) (id string) {
	r := httptest.NewRequest(http.MethodGet, "https://shop.example"+path, nil)
	for name, value := range map[string]string{"User-Agent": world.Chrome, "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"} {
		r.Header.Set(name, value)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		if cookie.Name == bid {
			id = cookie.Value
		}
	}
	return id
}

// TestNewcomers: 200 new visitors a second and a CDP that takes 300 ms to make
// an ID. No answer waits; once the pool has adapted, nearly all get a cookie; and
// what is made for nobody stays within the pool's bound. Between them come those
// for whom nothing may be made.
func TestNewcomers(t *testing.T) {
	t.Parallel()
	others := [][]string{
		{"/page", "User-Agent", "Googlebot/2.1"},
		{"/style.css", "Sec-Fetch-Dest", "style", "Sec-Fetch-Mode", "no-cors"},
		{"/page", "Sec-Purpose", "prefetch"},
		{"/api", "Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors"},
		{"/missing"},
		{"/page", "Sec-Gpc", "1"},
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t)
		if err := c.tracker.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		const adapts, all = 5 * time.Second, 6_000
		arrivals := rand.New(rand.NewPCG(1, 2)) // always the same, for some crowds come too fast for any pool
		begin := time.Now()
		var last time.Duration // when somebody got none, at the start
		used, counted, missed := 0, 0, 0
		for i := range all {
			<-time.After(time.Duration(arrivals.ExpFloat64() / newcomers * float64(time.Second)))
			at := time.Now()
			got := c.comes("/page") != ""
			if waited := time.Since(at); waited > 0 {
				t.Fatalf("an answer waited %v", waited)
			}
			if got {
				used++
			}
			switch since := at.Sub(begin); {
			case since > adapts:
				counted++
				if !got {
					missed++
				}
			case !got:
				last = since
			}
			if other := others[i/4%len(others)]; i%4 == 0 && c.comes(other[0], other[1:]...) != "" {
				t.Fatalf("%q got a cookie", other)
			}
			if over := c.cdp.Made() - used; over > poolBound {
				t.Fatalf("%d IDs were made that nobody uses", over)
			}
		}
		over := c.cdp.Made() - used
		t.Logf("%d new visitors in %v: the last of the start without a cookie after %v; then %d of %d (%.3f %%); %d IDs made, %d used, %d ready",
			all, time.Since(begin).Round(time.Second), last, missed, counted, 100*float64(missed)/float64(counted), c.cdp.Made(), used, over)
		if float64(missed) > 0.001*float64(counted) {
			t.Errorf("%d of %d got no cookie", missed, counted)
		}
		// Nobody comes any more: what is ready is thrown away, and counted.
		<-time.After(15 * time.Minute)
		synctest.Wait()
		if thrown := c.tracker.Snapshot().Notes["id_thrown_away"]; int(thrown) != c.cdp.Made()-used {
			t.Errorf("%d thrown away of %d", thrown, c.cdp.Made()-used)
		}
	})
}

// TestNewcomersOnTheWire is the same on real sockets. How many visitors go without an
// ID is a matter of fake time: on a busy machine many come at once after a pause, more
// than any pool has ready. That no answer waits for the CDP shows here, too.
func TestNewcomersOnTheWire(t *testing.T) {
	t.Parallel()
	w := world.New(t, "", http.HandlerFunc(world.HTML), func(c *goaltrack.Config) {
		c.Cookie.CreatePerSecond, c.Cookie.CreateBurst = 1000, 1000
	})
	w.CDP.Fault(cdptest.Delay(creation).On(cdptest.Creates))
	client := w.Site.Client()
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	var mu sync.Mutex
	var took []time.Duration
	used := 0
	var wg sync.WaitGroup
	tick := time.NewTicker(time.Second / newcomers)
	defer tick.Stop()
	for range 2 * newcomers {
		<-tick.C
		req := w.Visitor().Request(http.MethodGet, "/page", nil)
		wg.Go(func() {
			at := time.Now()
			res, err := client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			res.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(at))
			if res.Header["Set-Cookie"] != nil {
				used++
			}
		})
	}
	wg.Wait()
	w.Site.Close()
	slices.Sort(took)
	// A busy machine holds up some answers. If ours waited, the quickest would, too.
	if quick := took[len(took)/10]; quick > creation/2 {
		t.Errorf("all but a tenth of the answers took %v and more, and the CDP takes %v", quick, creation)
	}
	if used == 0 {
		t.Error("nobody got an ID")
	}
	if over := w.CDP.Made() - used; over > poolBound {
		t.Errorf("%d IDs were made that nobody uses", over)
	}
}

// TestCookieWait: with Cookie.Wait the first page has its ID, and nobody waits
// longer than that; on fake time, through the whole handler.
func TestCookieWait(t *testing.T) {
	for _, tc := range []struct {
		name   string
		wait   time.Duration
		path   string
		header []string
		cookie bool
		waited time.Duration
	}{
		{"long enough", time.Second, "/page", nil, true, creation},
		{"too short", 100 * time.Millisecond, "/page", nil, false, 100 * time.Millisecond},
		{"never", 0, "/page", nil, false, 0},
		{"a bot", time.Second, "/page", []string{"User-Agent", "Googlebot/2.1"}, false, 0},
		{"an asset", time.Second, "/style.css", []string{"Sec-Fetch-Dest", "style"}, false, 0},
		{"a prefetch", time.Second, "/page", []string{"Sec-Purpose", "prefetch"}, false, 0},
		{"an error", time.Second, "/missing", nil, false, 0},
		{"an answer for all", time.Second, "/public", nil, false, 0},
		{"somebody known", time.Second, "/page", []string{"Cookie", bid + "=" + world.Known}, false, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t, func(config *goaltrack.Config) { config.Cookie.Warm, config.Cookie.Wait = -1, tc.wait })
				begin := time.Now()
				cookie := c.comes(tc.path, tc.header...) != ""
				if waited := time.Since(begin); cookie != tc.cookie || waited != tc.waited {
					t.Errorf("cookie %v after %v, want %v after %v", cookie, waited, tc.cookie, tc.waited)
				}
				timedOut := uint64(0)
				if tc.waited > 0 && !tc.cookie {
					timedOut = 1
				}
				if notes := c.tracker.Snapshot().Notes; notes["id_wait_timed_out"] != timedOut {
					t.Errorf("notes %v", notes)
				}
			})
		})
	}
}

// TestCookieWaitOnTheWire: the same on real sockets: a page waits for its ID,
// and not for one that does not come; a CDP that is dead costs one wait.
func TestCookieWaitOnTheWire(t *testing.T) {
	t.Parallel() // it waits a second for an ID that does not come
	waiting := func(wait time.Duration) *world.World {
		return world.New(t, "", http.HandlerFunc(world.HTML), func(c *goaltrack.Config) {
			c.Cookie.Warm, c.Cookie.Wait = -1, wait
		})
	}
	v := waiting(10 * time.Second).Visitor() // as long as a busy machine may need
	if v.Get("/page"); v.ID() == "" {
		t.Error("the first page has no ID")
	}
	w := waiting(time.Second)
	w.CDP.Fault(cdptest.Hang().On(cdptest.Creates))
	for range 40 { // the first may use what is ready, the next waits for nothing
		w.Visitor().Get("/page")
	}
	if n := w.Note("id_wait_timed_out"); n > 2 {
		t.Errorf("%d of 40 visitors waited for a dead CDP", n)
	}
	if n := w.Note("id_not_ready"); n < 35 {
		t.Errorf("notes %v", w.Tracker.Snapshot().Notes)
	}
	w.CDP.ClearFaults()
}

// TestBrowserIDWaits: the first call waits, as the header would; and what it
// returned is what the cookie says. The request is left as it came.
func TestBrowserIDWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, func(config *goaltrack.Config) { config.Cookie.Warm, config.Cookie.Wait = -1, time.Second })
		var seen []string
		c.handler = c.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, c.tracker.BrowserID(r), c.tracker.BrowserID(r), r.Header.Get("Cookie"))
			world.HTML(w, r)
		}))
		if id := c.comes("/page"); id == "" || !slices.Equal(seen, []string{id, id, ""}) {
			t.Errorf("seen %q, the cookie says %q", seen, id)
		}
	})
}

// TestIDOfASlowCDP: a browser ID may take half of what an event may take, and 5 s at least.
func TestIDOfASlowCDP(t *testing.T) {
	for _, tc := range []struct {
		takes, timeout time.Duration
		comes          bool
	}{
		{4900 * time.Millisecond, 0, true},
		{4900 * time.Millisecond, time.Second, true},
		{5100 * time.Millisecond, 0, false},
		{14 * time.Second, 30 * time.Second, true},
		{16 * time.Second, 30 * time.Second, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCrowd(t, func(config *goaltrack.Config) {
				config.Delivery.Timeout = tc.timeout
				config.Delivery.HTTPClient.Transport = inMemory{cdptest.New(cdptest.Options{}), tc.takes}
			})
			time.Sleep(time.Minute)
			if comes := c.comes("/page") != ""; comes != tc.comes {
				t.Errorf("one that takes %v, with a Timeout of %v, is there: %v", tc.takes, tc.timeout, comes)
			}
		})
	}
}
